"""What an operator writes about reports and removals on a Mastodon server."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from adapters.durations import read_duration


class Category(StrEnum):
    """What a report says that it is about. Others are answered with an error of the server's own."""

    OTHER = "other"
    SPAM = "spam"
    LEGAL = "legal"
    VIOLATION = "violation"


class ReportSettings(BaseModel):
    """How posts are reported.

    ``rule_ids``: of the server's rules, as ``/api/v1/instance/rules`` lists them, for the category ``violation``.
    ``forward``: sends the report, comment and posts to the author's own server as well; nothing takes that back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    category: Category = Category.OTHER
    rule_ids: tuple[Annotated[str, Field(pattern=r"^[0-9A-Za-z]+$")], ...] = ()
    forward: bool = False

    @model_validator(mode="after")
    def _rules_belong_to_violations(self) -> ReportSettings:
        if (self.category is Category.VIOLATION) != bool(self.rule_ids):
            raise ValueError("`rule_ids` and `category: violation` belong together: give both or neither")
        return self


class Way(StrEnum):
    """How one post can be removed, or its media covered."""

    API = "api"  # a fork's own call
    WEB = "web"  # the form of a report, as a signed-in moderator
    COMMAND = "command"  # the operator's own command
    DELETE = "delete"  # the call of authors, where it obeys moderators too: Akkoma, Pleroma, Sharkey


class WebSettings(BaseModel):
    """A moderator's login at the web interface: best the bot's own account.

    ``session_file``: where the session is kept, or every start signs in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: Annotated[str, Field(min_length=3)]
    password: SecretStr
    totp_secret: SecretStr | None = None
    session_file: Path | None = None


class CommandSettings(BaseModel):
    """Commands as lists of words; no shell takes part in them.

    ``{status_id}``, ``{account_id}`` and ``{report_id}`` (of a report of ours that names this post alone) are replaced
    within words; without ``{status_id}`` the post's id is added as the last word. ``timeout``: after so long a command
    is ended.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    remove: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    mark_sensitive: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    unmark_sensitive: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    timeout: Annotated[timedelta, BeforeValidator(read_duration)] = timedelta(seconds=60)

    @field_validator("remove", "mark_sensitive", "unmark_sensitive")
    @classmethod
    def _a_program_first(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if command and "{" in command[0]:
            raise ValueError("has to begin with a program")
        return command

    @model_validator(mode="after")
    def _something_to_do(self) -> CommandSettings:
        if not self.remove and not self.mark_sensitive:
            raise ValueError("give `remove` or `mark_sensitive`")
        return self


class RemovalSettings(BaseModel):
    """How one post is removed, or its media covered. ``order``: which way is tried first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: tuple[Way, ...] = (Way.API, Way.WEB, Way.COMMAND, Way.DELETE)
    web: WebSettings | None = None
    command: CommandSettings | None = None

    @property
    def web_name(self) -> str:
        """Who signs in at the web interface."""
        return self.web.email if self.web is not None else "nobody"

    @model_validator(mode="after")
    def _what_is_configured_is_tried(self) -> RemovalSettings:
        if len(set(self.order)) != len(self.order):
            raise ValueError("`order` names something twice")
        for way, given in ((Way.WEB, self.web), (Way.COMMAND, self.command)):
            if given is not None and way not in self.order:
                raise ValueError(f"`{way.value}` is configured, and `order` leaves it out")
        return self


class Severity(StrEnum):
    """What "federation off" does to another server."""

    SILENCE = "silence"  # only seen by those who follow its accounts; can be taken back
    SUSPEND = "suspend"  # nothing comes from there; what was here of its accounts is deleted
