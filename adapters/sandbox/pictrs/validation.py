"""The external validation of pict-rs: every ingested file is shown to a URL, which may refuse it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from adapters.sandbox.loopback import NO_AUTHORITIES, require_loopback
from adapters.sandbox.pictrs.network import require_number

if TYPE_CHECKING:
    from collections.abc import Iterator


class RefusedError(Exception):
    """The validator answered something else than 2xx: 400 failed-external-validation."""


class ValidatorUnreachableError(Exception):
    """The validator did not answer in time or not at all: 500 http-client-error."""


@dataclass(frozen=True, slots=True)
class Validator:
    """Where files are shown before they are stored; ``timeout`` in seconds."""

    url: str
    timeout: float = 30.0

    def check(self, data: bytes, content_type: str) -> None:
        """Show the bytes as pict-rs does: chunked, with a content type and nothing about who sent them."""
        require_loopback(self.url)

        def chunks() -> Iterator[bytes]:
            for start in range(0, len(data), 65536):
                yield data[start : start + 65536]

        headers = {"content-type": content_type, "accept": "*/*", "user-agent": "pict-rs 0.5.24"}
        try:
            require_number(self.url)
            with httpx.Client(verify=NO_AUTHORITIES, trust_env=False, timeout=self.timeout) as client:
                client.headers.clear()
                answer = client.post(self.url, content=chunks(), headers=headers)
        except httpx.HTTPError as error:
            raise ValidatorUnreachableError from error
        if not answer.is_success:
            raise RefusedError
