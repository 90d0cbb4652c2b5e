"""Takes up a changed configuration while the bot runs, and says where everybody can see it what came of it."""

from __future__ import annotations

import json
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from bot.domain.errors import ConfigError, FediwardenError, LedgerError
from bot.enforce import holder_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.ports import Clock, Control

log = structlog.get_logger(__name__)

WANTED = "reload/wanted"
RESULT = "reload/result"
PATIENCE = 60.0
"""Seconds that a command waits for a running bot: it looks every two seconds, and long lists take a while to read."""


class NotTakenUpError(ConfigError):
    """The running bot keeps its old configuration; the message says why."""


class NoAnswerError(FediwardenError):
    """The running bot did not read its configuration again in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a new configuration came to. Names of keys only: values may be secrets."""

    taken_up: Sequence[str] = ()
    needs_restart: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The last reload of a running bot. ``trouble`` is empty where it was taken up."""

    at: datetime
    by: str  # which process
    trouble: str
    change: Change
    answers: str = ""  # the command that asked for it


class Reloader:
    """In the running bot: reads the configuration again when it is told to. Thread-safe."""

    def __init__(self, control: Control, clock: Clock, take_up: Callable[[], Change]) -> None:
        """``take_up`` raises ``ConfigError`` or ``LedgerError``; then nothing has changed."""
        self._control = control
        self._clock = clock
        self._take_up = take_up
        self._one_at_a_time = threading.Lock()
        self._heard: str | None = None

    def begin(self) -> None:
        """The bot has just read its configuration: what was asked for and what went wrong before is over."""
        self._heard = self._control.flag(WANTED)
        self._control.set_flag(RESULT, None)

    def listen(self) -> None:
        """Reload if a command has asked for it since the last look."""
        try:
            wanted = self._control.flag(WANTED)
        except LedgerError as error:
            log.warning("the ledger cannot be read", error=str(error))
            return
        if wanted is not None and wanted != self._heard:
            self._heard = wanted
            self.reload(answers=wanted)

    def reload(self, *, answers: str = "") -> None:
        """Take up what can be taken up; where there is a fault in it, keep everything as it was and say why."""
        with self._one_at_a_time:
            trouble, change = "", Change()
            try:
                change = self._take_up()
            except (ConfigError, LedgerError) as error:
                trouble = str(error)
                log.error("the configuration is not taken up, the old one stays in force", why=trouble)  # noqa: TRY400 - it is the operator's fault to mend, not ours
            else:
                log.info("configuration read again", taken_up=list(change.taken_up))
                if change.needs_restart:
                    log.warning("needs a restart: the old values stay in force", keys=list(change.needs_restart))
            self._tell(Result(at=self._clock.now(), by=holder_name(), trouble=trouble, change=change, answers=answers))

    def _tell(self, result: Result) -> None:
        told = {
            "at": result.at.isoformat(),
            "by": result.by,
            "trouble": result.trouble,
            "taken_up": list(result.change.taken_up),
            "needs_restart": list(result.change.needs_restart),
            "answers": result.answers,
        }
        try:
            self._control.set_flag(RESULT, json.dumps(told))
        except LedgerError as error:
            log.warning("the ledger cannot be written", error=str(error))


def last(control: Control) -> Result | None:
    """What came of the last reload of the bot that runs, if there was one."""
    told = json.loads(control.flag(RESULT) or "null")
    if told is None:
        return None
    return Result(
        at=datetime.fromisoformat(told["at"]),
        by=told["by"],
        trouble=told["trouble"],
        change=Change(taken_up=told["taken_up"], needs_restart=told["needs_restart"]),
        answers=told["answers"],
    )


def ask(control: Control, *, sleep: Callable[[float], None] = time.sleep, patience: float = PATIENCE) -> Change | None:
    """Have the running bot read its configuration again; ``None``: none runs.

    Raises ``NotTakenUpError`` where it keeps the old one, ``NoAnswerError`` after ``patience`` seconds without a word.
    """
    holder = control.holder()
    if holder is None:
        return None
    token = secrets.token_hex(8)
    control.set_flag(WANTED, token)
    until = time.monotonic() + patience
    while time.monotonic() < until:
        sleep(0.2)
        result = last(control)
        if result is not None and result.answers == token:
            if result.trouble:
                raise NotTakenUpError(f"the running bot keeps its old configuration: {result.trouble}")
            return result.change
    raise NoAnswerError(
        f"{holder.holder} has not read its configuration again within {patience:.0f} s; `fediwarden status` shows "
        "whether it lives, its log why it does not"
    )
