"""What the sandbox Mastodon does beyond what the conformance suite asks of every Mastodon."""
