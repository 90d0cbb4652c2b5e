"""After a purge the operator's own command clears the caches in front of the server.

Whether it did is not asked of the command: a purge is done when the public address, caches included, says that the
file is gone, and when the command has run without complaint besides, for other caches than ours may have the file.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import OrderedDict
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import structlog
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from adapters.command import carry_out
from adapters.durations import read_duration
from bot.domain.decisions import GONE_AT_STORE, AlreadyDone, Done, Failed, PurgeFile, Refused, Verification
from bot.domain.errors import PlatformError
from bot.ports import CheckResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from bot.domain.content import Name
    from bot.domain.decisions import Intent, LastWord, Offer, Outcome, Report
    from bot.ports import Enforcer

log = structlog.get_logger(__name__)

PLACEHOLDER = "{url}"

REMEMBERED = 10_000
"""Addresses that were cleared since the start. One that is forgotten is cleared once more."""

STORE_FOR = 15.0
"""Seconds that a file store gets to forget a file: a cache that is cleared earlier fetches it again."""

NOT_CLEARED = f"{GONE_AT_STORE}; the command after a purge has not run yet"


class AfterPurge(BaseModel):
    """An operator's command, as a list of words; no shell takes part in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
    timeout: Annotated[timedelta, BeforeValidator(read_duration)] = timedelta(seconds=30)

    @field_validator("command")
    @classmethod
    def _a_program_first(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if PLACEHOLDER in command[0]:
            raise ValueError("has to begin with a program; an address cannot be run")
        return command


class CommandError(PlatformError):
    """The operator's command did not do its work."""


class ClearingEnforcer:
    """``Enforcer`` of an instance that runs the command after each purge, and hands everything else on."""

    def __init__(
        self,
        enforcer: Enforcer,
        after: AfterPurge,
        *,
        public: str,
        address: Callable[[Name], str],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``public``: the server's public address. ``address``: where it shows a file."""
        self._enforcer = enforcer
        self._after = after
        self._origin = _origin(public)
        self._address = address
        self._sleep = sleep
        self._cleared: OrderedDict[str, None] = OrderedDict()

    def offers(self, intent: Intent) -> Offer:
        """As without a command."""
        return self._enforcer.offers(intent)

    def apply(self, intent: Intent) -> Outcome:
        """Purge, wait until the store has forgotten the file, then clear caches."""
        outcome = self._enforcer.apply(intent)
        if not isinstance(intent, PurgeFile) or isinstance(outcome, Failed):
            return outcome
        if isinstance(outcome, Refused) and outcome.code != "no_upload_record":
            return outcome
        try:
            self._wait_for_store(intent)
            self._clear(intent)
            if isinstance(outcome, Refused):  # Lemmy says so too where the purge was done before, and a cache hid it
                gone = self._enforcer.verify(intent).so
                return AlreadyDone(note="gone, and caches were cleared") if gone else outcome
        except CommandError as error:
            return Failed(note=f"{GONE_AT_STORE}; {error}")
        except PlatformError as error:
            return Failed(note=f"purged, but the server could not be asked about it: {error}", unknown=True)
        cleared = f"{outcome.note}; caches cleared by `{os.path.basename(self._after.command[0])}`"
        return Done(note=cleared) if isinstance(outcome, Done) else replace(outcome, note=cleared)

    def verify(self, intent: Intent) -> Verification:
        """Gone for the public, and cleared since this process runs."""
        found = self._enforcer.verify(intent)
        if isinstance(intent, PurgeFile) and found.so and str(intent.name) not in self._cleared:
            return replace(found, so=False, detail=NOT_CLEARED)
        return found

    def revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:
        """As without a command."""
        return self._enforcer.revert(intent, before)

    def last_word(self, intent: Intent, since: datetime) -> LastWord:
        """As without a command."""
        return self._enforcer.last_word(intent, since)

    def reopen(self, report: Report) -> Outcome:
        """As without a command."""
        return self._enforcer.reopen(report)

    def _wait_for_store(self, intent: PurgeFile) -> None:
        deadline = time.monotonic() + STORE_FOR
        wait = 0.1
        while True:
            found = self._enforcer.verify(intent)
            if found.so or found.detail.startswith(GONE_AT_STORE) or time.monotonic() > deadline:
                return
            self._sleep(wait)
            wait = min(wait * 2, 2.0)

    def _clear(self, intent: PurgeFile) -> None:
        urls = [url for url in dict.fromkeys((self._address(intent.name), intent.url)) if self._is_own(url)]
        if not urls:
            raise CommandError("none of its addresses is the server's own: look at `public_url`")
        if any(PLACEHOLDER in word for word in self._after.command):
            for url in urls:
                self._run([word.replace(PLACEHOLDER, url) for word in self._after.command], "")
        else:
            self._run(self._after.command, "".join(f"{url}\n" for url in urls))
        self._cleared[str(intent.name)] = None
        while len(self._cleared) > REMEMBERED:
            self._cleared.popitem(last=False)

    def _is_own(self, url: str) -> bool:
        """A web address of this very server, in characters that need no quoting anywhere."""
        return url.isascii() and url.isprintable() and " " not in url and _origin(url) == self._origin

    def _run(self, words: Sequence[str], said: str) -> None:
        name = os.path.basename(words[0])
        try:
            status, output = carry_out(words, said, self._after.timeout.total_seconds())
        except OSError as error:
            raise CommandError(f"the command after a purge, `{name}`, cannot be started: {error.strerror}") from None
        if status is None:
            log.warning("command after a purge stopped", command=name, output=output)
            seconds = self._after.timeout.total_seconds()
            raise CommandError(f"the command after a purge, `{name}`, took longer than {seconds:.0f} s")
        if status != 0:
            log.warning("command after a purge failed", command=name, status=status, output=output)
            raise CommandError(f"the command after a purge, `{name}`, failed (status {status}); the log has its output")
        log.info("caches cleared", command=name, output=output)


class CommandInspector:
    """Looks whether the command can be started. Running it would clear something."""

    def __init__(self, after: AfterPurge) -> None:
        """``after``: the command."""
        self._program = after.command[0]

    def check(self) -> Sequence[CheckResult]:
        """Whether there is such a program."""
        found = shutil.which(self._program)
        if found is None:
            remedy = "write its whole path in `after_purge.command`, and make it executable"
            return [CheckResult(what="after a purge", ok=False, detail=f"no program {self._program!r}", remedy=remedy)]
        return [CheckResult(what="after a purge", ok=True, detail=f"{found} clears caches; it was not run")]

    def repair(self) -> None:
        """There is no account here."""


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; ``None`` for anything that is no web address."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        return None
    if not parts.hostname or parts.username or parts.password:
        return None
    return parts.scheme, parts.hostname, port
