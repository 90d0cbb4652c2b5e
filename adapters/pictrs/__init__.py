"""pict-rs 0.5: the file store behind a Lemmy server, through its internal API."""
