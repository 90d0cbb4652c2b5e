"""The whole bot against a Mastodon: the sandbox, or the one that ``conformance.mastodon.server`` is told of."""
