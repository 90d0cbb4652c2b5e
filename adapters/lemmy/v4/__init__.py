"""Lemmy 1.0 (API v4): what it says and wants in other words than 0.19. What is done with it is the same code."""
