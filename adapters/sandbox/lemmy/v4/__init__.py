"""API v4: the same server as a Lemmy 1.0 shows it. Rows are those of 0.19; what only 1.0 has is in ``tables``."""
