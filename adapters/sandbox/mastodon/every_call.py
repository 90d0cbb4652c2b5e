"""Every module that registers calls, in alphabetical order."""

from adapters.sandbox.mastodon import accounts

__all__ = ["accounts"]
