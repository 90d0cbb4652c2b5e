"""The rows of the tables. Numbers are integers here and strings on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import idna

from adapters.sandbox.clock import now

if TYPE_CHECKING:
    from datetime import datetime

Json = dict[str, Any]
Visibility = Literal["public", "unlisted", "private", "direct"]
INSTANCE_ACTOR = -99


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What the people of a role may do. ``permissions`` is a sum of the bits in ``rights``; a higher ``position``
    overrules a lower one.
    """

    id: int
    name: str
    permissions: int
    position: int
    highlighted: bool


@dataclass(slots=True, kw_only=True)
class User:
    """The login of a local account."""

    email: str
    password: str
    role: Role
    totp_secret: str | None = None
    confirmed: bool = True
    approved: bool = True
    disabled: bool = False
    locale: str | None = "en"
    invite_request: str | None = None
    chosen_languages: list[str] | None = None
    privacy: Visibility = "public"
    sensitive: bool = False
    language: str | None = None
    sign_up_ip: str | None = None
    sign_ins: dict[str, datetime] = field(default_factory=dict)  # the last time from each address


@dataclass(slots=True, kw_only=True)
class Account:
    """Somebody, here or elsewhere. ``domain`` is none for an account of this server; ``user`` for all others.

    ``avatar`` and ``header`` are paths below the server's address. ``deletable`` is the request to delete what a
    suspended account left, which ends with the suspension; ``emptied`` says that this was done.
    """

    id: int
    username: str
    domain: str | None
    created_at: datetime
    uri: str
    url: str
    user: User | None = None
    display_name: str = ""
    note: str = ""
    locked: bool = False
    bot: bool = False
    discoverable: bool | None = None
    indexable: bool = False
    hide_collections: bool | None = None
    fields: list[dict[str, str]] = field(default_factory=list)
    avatar: str | None = None
    header: str | None = None
    avatar_description: str = ""
    header_description: str = ""
    statuses_count: int = 0
    last_status_at: datetime | None = None
    silenced: bool = False
    sensitized: bool = False
    suspended_at: datetime | None = None
    deletable: bool = False
    emptied: bool = False

    @property
    def local(self) -> bool:
        """Whether the account is of this server."""
        return self.domain is None

    @property
    def suspended(self) -> bool:
        """Whether nothing of it is shown."""
        return self.suspended_at is not None

    @property
    def acct(self) -> str:
        """The name, with the domain of a remote account."""
        return self.username if self.domain is None else f"{self.username}@{self.domain}"

    @property
    def shown_acct(self) -> str:
        """The same with the domain in its own script, as the API shows it."""
        if self.domain is None or "xn--" not in self.domain:
            return self.acct
        return f"{self.username}@{idna.decode(self.domain)}"


@dataclass(slots=True, kw_only=True)
class App:
    """A registered client."""

    id: int
    name: str
    website: str | None
    scopes: list[str]
    redirect_uris: list[str]
    client_id: str
    client_secret: str


@dataclass(slots=True, kw_only=True)
class Token:
    """What a client shows. ``account_id`` is none for a token of the client itself."""

    token: str
    app: App
    account_id: int | None
    scopes: list[str]
    created_at: datetime
    revoked: bool = False


@dataclass(slots=True, kw_only=True)
class Media:
    """A file that was uploaded or came with a remote status.

    ``original`` and ``small`` are paths of stored files; a remote file that is not kept here has none. ``ready_at``
    is when a video is done. ``status_id`` stays when an edit takes the file out of its status.
    """

    id: int
    account_id: int
    created_at: datetime
    type: str
    original: str | None
    small: str | None
    meta: Json | None
    blurhash: str | None
    ready_at: datetime
    status_id: int | None = None
    description: str | None = None
    remote_url: str | None = None

    @property
    def processed(self) -> bool:
        """Whether the file is ready to be shown."""
        return now() >= self.ready_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A status as it was from ``created_at`` on, made so by ``account_id``."""

    account_id: int
    content: str
    spoiler_text: str
    sensitive: bool
    created_at: datetime
    media_ids: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class Status:
    """A post. ``deleted_at``: gone for everybody, kept for the reports that name it; ``erased``: gone for those too."""

    id: int
    account_id: int
    created_at: datetime
    uri: str
    url: str
    local: bool
    text: str
    content: str
    visibility: Visibility
    sensitive: bool = False
    spoiler_text: str = ""
    language: str | None = None
    in_reply_to_id: int | None = None
    in_reply_to_account_id: int | None = None
    reblog_of_id: int | None = None
    edited_at: datetime | None = None
    media_ids: list[int] = field(default_factory=list)
    mentioned: list[int] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    app: App | None = None
    replies_count: int = 0
    reblogs_count: int = 0
    favourited_by: set[int] = field(default_factory=set)
    edits: list[Edit] = field(default_factory=list)
    deleted_at: datetime | None = None
    erased: bool = False

    @property
    def live(self) -> bool:
        """Whether it is there for those who may see it."""
        return self.deleted_at is None and not self.erased


@dataclass(slots=True, kw_only=True)
class Report:
    """Somebody's complaint about an account and some of its statuses."""

    id: int
    account_id: int
    target_account_id: int
    status_ids: list[int]
    comment: str
    category: str
    rule_ids: list[int] | None
    forwarded: bool | None
    created_at: datetime
    updated_at: datetime
    action_taken_at: datetime | None = None
    action_taken_by: int | None = None
    assigned_to: int | None = None
    collection_ids: list[str] = field(default_factory=list)

    @property
    def resolved(self) -> bool:
        """Whether somebody has dealt with it."""
        return self.action_taken_at is not None


@dataclass(slots=True, kw_only=True)
class Strike:
    """A warning on record: what was done to an account, by whom."""

    id: int
    account_id: int
    target_account_id: int
    action: str
    text: str
    report_id: int | None
    status_ids: list[int] | None
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class Notification:
    """Something that somebody is told."""

    id: int
    account_id: int
    from_account_id: int
    type: str
    created_at: datetime
    status_id: int | None = None
    report_id: int | None = None
    strike_id: int | None = None


@dataclass(slots=True, kw_only=True)
class Rule:
    """A rule of the server, which a report may name."""

    id: int
    text: str
    hint: str = ""
