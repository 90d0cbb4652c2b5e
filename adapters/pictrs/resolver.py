"""What pict-rs knows of a file: its other names, where it lies, and the digest of its bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_plus

from adapters.pictrs.paths import Paths
from bot.domain.content import Alias, RemoteUrl, StorageKey
from bot.domain.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.pictrs.client import PictrsClient
    from bot.domain.content import InstanceId, Name


_ONE_WORD = re.compile(r"[^/:@\s]{1,200}")


class PictrsFiles:
    """Answers about files of one instance. Who stored them, pict-rs does not know."""

    def __init__(self, instance: InstanceId, client: PictrsClient) -> None:
        """``client``: of the instance's pict-rs."""
        self._instance = instance
        self._client = client
        self._paths = Paths(client)

    def names(self, name: Name) -> Sequence[Name]:
        """Every other name of the same bytes, and the path where they lie. Raises ``PlatformError``.

        Of a file of another server: the names of the copies that pict-rs keeps for the image proxy. There are two if
        0.19 asks for another address than the post has, and they need not be alike.
        """
        if isinstance(name, RemoteUrl):
            urls = dict.fromkeys((name.value, _as_lemmy_asks(name.value)))
            copies = (one for url in urls for one in self._client.aliases_of_proxied(url))
            return [self._alias(one) for one in dict.fromkeys(copies)]
        if not self._is_own(name):
            return ()
        others = [other for other in self._client.aliases(name.value) if other != name.value]
        return [*map(self._alias, others), *self._path(name)]

    def located(self, text: str) -> Name | None:
        """The file that a path in the store, an object key or a SHA-256 means. Raises ``PlatformError``.

        Or an alias that does not look like one: what was imported kept the name of its file.
        """
        alias = self._paths.alias_of(text)
        if alias is None and _ONE_WORD.fullmatch(text) and self._client.aliases(text):
            alias = text
        return None if alias is None else self._alias(alias)

    def _path(self, name: Name) -> Sequence[Name]:
        try:
            path = self._client.identifier(name.value)
        except BadAnswerError:
            return ()  # it can be purged all the same
        return () if path is None else [StorageKey(instance=self._instance, value=path)]

    def _alias(self, value: str) -> Alias:
        return Alias(instance=self._instance, value=value)

    def digest(self, name: Name) -> str | None:
        """SHA-256 of the stored bytes."""
        return self._client.digest(name.value) if self._is_own(name) else None

    def _is_own(self, name: Name) -> bool:
        return isinstance(name, Alias) and name.instance == self._instance


def _as_lemmy_asks(url: str) -> str:
    """What the image proxy of 0.19 has pict-rs fetch for a reader.

    It writes the URL into a query as it is, where an ampersand ends it and pict-rs decodes it once more:
    crates/routes/src/images.rs, ``ProcessUrl for ImageProxyParams``.
    """
    asked = unquote_plus(url.partition("#")[0].partition("&")[0])
    return quote(asked, safe="/?#[]@:!$&'()*+,;=%~-._")
