"""A small server that behaves like Mastodon 4.3.23 or 4.6.5, on 127.0.0.1 and in memory."""

from adapters.sandbox.mastodon.sandbox import MastodonSandbox, serve
from adapters.sandbox.mastodon.versions import VERSIONS

__all__ = ["VERSIONS", "MastodonSandbox", "serve"]
