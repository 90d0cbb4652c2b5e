"""Looks at a pict-rs before anything is switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.errors import NotLoggedInError, PlatformError
from bot.ports import CheckResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.pictrs.client import PictrsClient


class PictrsInspector:
    """Checks one pict-rs."""

    def __init__(self, client: PictrsClient) -> None:
        """``client``: to the pict-rs."""
        self._client = client

    def check(self) -> Sequence[CheckResult]:
        """Whether it is there and accepts the key."""
        try:
            self._client.check()
        except NotLoggedInError as error:
            remedy = "set `pictrs.api_key` to the value of PICTRS__SERVER__API_KEY, which has to be set there"
            return [CheckResult(what="pict-rs", ok=False, detail=str(error), remedy=remedy)]
        except PlatformError as error:
            remedy = f"is {self._client.url} right? pict-rs listens on 8080 inside the compose network only"
            return [CheckResult(what="pict-rs", ok=False, detail=str(error), remedy=remedy)]
        return [CheckResult(what="pict-rs", ok=True, detail=f"{self._client.url} accepts the key")]

    def repair(self) -> None:
        """There is no account here."""
