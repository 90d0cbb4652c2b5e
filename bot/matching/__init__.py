"""Compare fingerprints with allow and block lists."""
