"""What clients may send: one form for each call. ``None`` means that the field was not given."""
