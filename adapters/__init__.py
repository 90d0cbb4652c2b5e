"""What speaks to the world: one folder for each platform, file store and sandbox."""
