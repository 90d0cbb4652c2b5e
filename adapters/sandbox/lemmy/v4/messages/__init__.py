"""What clients of API v4 may send: one form for each call. ``None`` means that the field was not given."""
