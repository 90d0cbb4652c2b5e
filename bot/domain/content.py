"""What is seen on a server: accounts, the places where media is shown, and the media itself.

Every id of a platform is an opaque string. The ActivityPub URI and the local id travel together: things are recognised
by URI and acted upon by local id.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, NewType, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

InstanceId = NewType("InstanceId", str)
"""The operator's name for one server of one platform: ``lemmy-main``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody, as one instance knows them."""

    instance: InstanceId  # where we saw the account, and what ``local_id`` means
    local_id: str
    uri: str  # ActivityPub id
    handle: str  # name@host
    home_host: str
    is_local: bool
    is_staff: bool = False  # an admin of the instance; where anybody may open a community, its moderator is not
    created_at: datetime | None = None  # aware, UTC; a remote server's word for remote accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """A group that posts are made in (Lemmy); platforms without groups have none."""

    instance: InstanceId
    local_id: str
    uri: str
    handle: str
    is_local: bool


class Visibility(StrEnum):
    """Who can see a subject. Anything narrower than ``local`` is dropped before it is stored (private posts)."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    LOCAL = "local"
    REPORTED = "reported"  # a private message that somebody reported: the moderators' to read


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectKey:
    """Enough to find a subject again: instance, kind of subject, the platform's id."""

    instance: InstanceId
    kind: str
    local_id: str

    def __str__(self) -> str:
        return f"{self.instance}/{self.kind}/{self.local_id}"

    @classmethod
    def parse(cls, text: str) -> SubjectKey:
        """From ``str(key)``. Raises ``ValueError`` for anything else."""
        instance, kind, local_id = text.split("/", 2)
        return cls(instance=InstanceId(instance), kind=kind, local_id=local_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What all subjects have in common."""

    kind: ClassVar[str]

    instance: InstanceId
    local_id: str
    uri: str
    url: str  # where a human looks at it
    author: Account | None = None
    community: Community | None = None
    visibility: Visibility = Visibility.PUBLIC
    revision: str = ""  # changes whenever an edit may have changed the media
    published_at: datetime | None = None  # the author's server's word; never a watermark

    @property
    def key(self) -> SubjectKey:
        """Instance, kind and local id."""
        return SubjectKey(instance=self.instance, kind=self.kind, local_id=self.local_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post(_Shown):
    """A post (Lemmy) or status (Mastodon)."""

    kind: ClassVar[str] = "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment(_Shown):
    """A comment under a post."""

    kind: ClassVar[str] = "comment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(_Shown):
    """An account's own page: avatar, banner, biography. ``author`` is its owner, ``local_id`` the owner's id."""

    kind: ClassVar[str] = "profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityPage(_Shown):
    """A community's own page: icon, banner, sidebar."""

    kind: ClassVar[str] = "community"


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePage(_Shown):
    """The server's own pages: icon, banner, sidebar, taglines, custom emoji."""

    kind: ClassVar[str] = "site"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedMessage(_Shown):
    """A private message that its recipient reported to the moderators."""

    kind: ClassVar[str] = "message"


Subject: TypeAlias = Post | Comment | Profile | CommunityPage | SitePage | ReportedMessage


class Role(StrEnum):
    """How a subject shows a piece of media."""

    ATTACHMENT = "attachment"
    LINK = "link"  # a plain link in text: shown only to those who follow it
    THUMBNAIL = "thumbnail"
    INLINE = "inline"
    AVATAR = "avatar"
    BANNER = "banner"
    EMOJI = "emoji"


SHOWS = frozenset({Role.ATTACHMENT, Role.INLINE, Role.AVATAR, Role.BANNER})
"""Roles of what an author put there to be seen. A link may lead to anybody's file, a thumbnail of an article was made
by the author's server, and a custom emoji is everybody's who has an account there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRef:
    """One URL in one subject."""

    url: str
    role: Role
    declared_type: str | None = None  # what the server says it is; never believed


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A file's name in an instance's own pict-rs."""

    instance: InstanceId
    value: str

    def __str__(self) -> str:
        return f"alias:{self.instance}/{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A media attachment's id (Mastodon)."""

    instance: InstanceId
    value: str

    def __str__(self) -> str:
        return f"attachment:{self.instance}/{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageKey:
    """A path or object key in an instance's file store."""

    instance: InstanceId
    value: str

    def __str__(self) -> str:
        return f"key:{self.instance}/{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteUrl:
    """A file on somebody else's server. What it stands for may change from one request to the next."""

    value: str

    def __str__(self) -> str:
        return f"url:{self.value}"


Name: TypeAlias = Alias | Attachment | StorageKey | RemoteUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One piece of media seen in one place.

    Many sightings may carry the same bytes. Who uploaded them is a separate question (``Attribution``): anyone can
    hotlink a file that somebody else uploaded, and an upload may never have been posted at all.
    """

    subject: Subject
    media: MediaRef
    name: Name  # what ``media.url`` stands for: an alias only where the host is the instance's own
    seen_at: datetime  # aware, UTC
    backlog: bool = False  # was there before the bot started


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The platform says that this account stored this file."""

    name: Name
    url: str  # where the file can be fetched
    uploader: Account
    uploaded_at: datetime  # aware, UTC
    backlog: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file store says that it holds this file. Who put it there, and where it is shown, others have to tell."""

    name: Name
    url: str  # where the file can be fetched
    sha256: str  # of the bytes in the store, 64 hexadecimal digits
    stored_at: datetime  # aware, UTC
    backlog: bool = False
