"""Ways to tell the operators something."""
