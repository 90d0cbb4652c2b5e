"""The sandbox of Lemmy 1.0, beyond what was recorded."""
