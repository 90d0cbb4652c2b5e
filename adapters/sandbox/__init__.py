"""Small real servers on loopback that behave like the platforms, for the demo, the tests and any other client."""
