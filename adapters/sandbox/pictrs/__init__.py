"""A pict-rs 0.5 in memory: the store of the image files of a Lemmy server, with its public and its internal API."""

from adapters.sandbox.pictrs.api import PictrsApp
from adapters.sandbox.pictrs.store import FileStore

__all__ = ["FileStore", "PictrsApp"]
