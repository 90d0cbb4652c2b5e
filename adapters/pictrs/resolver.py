"""What pict-rs knows of a file: its other names, and the digest of its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.content import Alias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.pictrs.client import PictrsClient
    from bot.domain.content import InstanceId, Name


class PictrsFiles:
    """Answers about files of one instance. Who stored them, pict-rs does not know."""

    def __init__(self, instance: InstanceId, client: PictrsClient) -> None:
        """``client``: of the instance's pict-rs."""
        self._instance = instance
        self._client = client

    def names(self, name: Name) -> Sequence[Name]:
        """Every other name of the same bytes. Raises ``PlatformError`` when pict-rs cannot be asked."""
        if not self._is_own(name):
            return ()
        others = [other for other in self._client.aliases(name.value) if other != name.value]
        return [Alias(instance=self._instance, value=other) for other in others]

    def digest(self, name: Name) -> str | None:
        """SHA-256 of the stored bytes."""
        return self._client.digest(name.value) if self._is_own(name) else None

    def _is_own(self, name: Name) -> bool:
        return isinstance(name, Alias) and name.instance == self._instance
