"""Lemmy 0.19 (API v3): reads posts, comments and uploads; reports, removes, purges and bans."""
