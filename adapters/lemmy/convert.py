"""Lemmy's views become values of the domain. Pure: no HTTP, no clock.

A view that is not in the promised shape raises ``BadAnswerError``; that is the end of that one item.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from adapters.lemmy.addresses import host_of, leads_to_a_file
from adapters.markup import links, looks_like_media
from bot.domain.content import (
    Account,
    Alias,
    Comment,
    Community,
    CommunityPage,
    MediaRef,
    Post,
    Profile,
    Role,
    Sighting,
    Upload,
    Visibility,
)
from bot.domain.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from adapters.lemmy import wire
    from adapters.lemmy.addresses import Addresses
    from bot.domain.content import Subject

_REVISION = 16  # hexadecimal digits: enough to tell two edits of one subject apart


def moment(text: str) -> datetime:
    """A point in time, aware, UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Converter:
    """Converts what one server says."""

    addresses: Addresses

    def account(self, person: wire.Person, *, is_staff: bool = False) -> Account:
        """An account as this server knows it."""
        with _shape("person"):
            host = host_of(person["actor_id"])
            return Account(
                instance=self.addresses.instance,
                local_id=str(person["id"]),
                uri=person["actor_id"],
                handle=f"{person['name']}@{host}",
                home_host=host,
                is_local=person["local"],
                is_staff=is_staff,
                created_at=moment(person["published"]),
            )

    def community(self, community: wire.Community) -> Community:
        """A community as this server knows it."""
        with _shape("community"):
            return Community(
                instance=self.addresses.instance,
                local_id=str(community["id"]),
                uri=community["actor_id"],
                handle=f"{community['name']}@{host_of(community['actor_id'])}",
                is_local=community["local"],
            )

    def post(self, view: wire.PostView) -> Post:
        """The post of a view."""
        with _shape("post"):
            post = view["post"]
            return Post(
                instance=self.addresses.instance,
                local_id=str(post["id"]),
                uri=post["ap_id"],
                url=self.addresses.page("post", str(post["id"])),
                author=self.account(view["creator"], is_staff=_staff(view)),
                community=self.community(view["community"]),
                visibility=_visibility(view["community"]),
                revision=_revision(post, "url", "thumbnail_url", "body", "alt_text"),
                published_at=moment(post["published"]),
            )

    def comment(self, view: wire.CommentView) -> Comment:
        """The comment of a view."""
        with _shape("comment"):
            comment = view["comment"]
            return Comment(
                instance=self.addresses.instance,
                local_id=str(comment["id"]),
                uri=comment["ap_id"],
                url=self.addresses.page("comment", str(comment["id"])),
                author=self.account(view["creator"], is_staff=_staff(view)),
                community=self.community(view["community"]),
                visibility=_visibility(view["community"]),
                revision=_revision(comment, "content"),
                published_at=moment(comment["published"]),
            )

    def profile(self, person: wire.Person, *, is_staff: bool = False) -> Profile:
        """The page of an account."""
        with _shape("person"):
            return Profile(
                instance=self.addresses.instance,
                local_id=str(person["id"]),
                uri=person["actor_id"],
                url=self._page_of(person, "u"),
                author=self.account(person, is_staff=is_staff),
                revision=_revision(person, "avatar", "banner", "bio"),
                published_at=moment(person["published"]),
            )

    def community_page(self, community: wire.Community) -> CommunityPage:
        """The page of a community."""
        with _shape("community"):
            return CommunityPage(
                instance=self.addresses.instance,
                local_id=str(community["id"]),
                uri=community["actor_id"],
                url=self._page_of(community, "c"),
                community=self.community(community),
                visibility=_visibility(community),
                revision=_revision(community, "icon", "banner", "description"),
                published_at=moment(community["published"]),
            )

    def upload(self, row: wire.LocalImageView, *, staff: frozenset[int], backlog: bool) -> Upload:
        """A row of the upload list. ``staff``: ids of the server's admins."""
        with _shape("upload"):
            name = Alias(instance=self.addresses.instance, value=row["local_image"]["pictrs_alias"])
            return Upload(
                name=name,
                url=self.addresses.address(name),
                uploader=self.account(row["person"], is_staff=row["person"]["id"] in staff),
                uploaded_at=moment(row["local_image"]["published"]),
                backlog=backlog,
            )

    def seen_in_post(self, view: wire.PostView, *, at: datetime, backlog: bool) -> Sequence[Sighting]:
        """Media of a post."""
        return self._sightings(self.post(view), self._of_post(view["post"]), at, backlog=backlog)

    def seen_in_comment(self, view: wire.CommentView, *, at: datetime, backlog: bool) -> Sequence[Sighting]:
        """Media of a comment."""
        return self._sightings(self.comment(view), self._of_text(view["comment"]["content"]), at, backlog=backlog)

    def seen_in_profile(
        self, person: wire.Person, *, at: datetime, backlog: bool, is_staff: bool = False
    ) -> Sequence[Sighting]:
        """Media of an account's page."""
        media = [*_plain(person, avatar=Role.AVATAR, banner=Role.BANNER), *self._of_text(person.get("bio"))]
        return self._sightings(self.profile(person, is_staff=is_staff), media, at, backlog=backlog) if media else ()

    def seen_in_community(self, community: wire.Community, *, at: datetime, backlog: bool) -> Sequence[Sighting]:
        """Media of a community's page."""
        media = [
            *_plain(community, icon=Role.AVATAR, banner=Role.BANNER),
            *self._of_text(community.get("description")),
        ]
        return self._sightings(self.community_page(community), media, at, backlog=backlog) if media else ()

    def seen_around(self, view: wire.PostView | wire.CommentView, *, at: datetime, backlog: bool) -> Sequence[Sighting]:
        """Media of the pages of a view's author and community, which every view brings along."""
        return [
            *self.seen_in_profile(view["creator"], at=at, backlog=backlog, is_staff=_staff(view)),
            *self.seen_in_community(view["community"], at=at, backlog=backlog),
        ]

    def _of_post(self, post: wire.Post) -> Iterator[MediaRef]:
        declared = post.get("url_content_type")
        if (url := post.get("url")) and ((declared or "").startswith(("image/", "video/")) or self._media(url)):
            yield MediaRef(url=url, role=Role.ATTACHMENT, declared_type=declared)
        if thumbnail := post.get("thumbnail_url"):
            yield MediaRef(url=thumbnail, role=Role.THUMBNAIL)
        if (video := post.get("embed_video_url")) and self._media(video):
            yield MediaRef(url=video, role=Role.LINK)
        yield from self._of_text(post.get("body"))

    def _of_text(self, text: str | None) -> Iterator[MediaRef]:
        for link in links(text or "", self.addresses.url):
            if link.shown:
                yield MediaRef(url=link.url, role=Role.INLINE)
            elif self._media(link.url):
                yield MediaRef(url=link.url, role=Role.LINK)

    def _media(self, url: str) -> bool:
        """Whether a URL is worth a look although nobody shows it: an article is not."""
        name = self.addresses.name_of(url)
        if isinstance(name, Alias) or leads_to_a_file(url) or leads_to_a_file(name.value):
            return True
        return looks_like_media(url) or looks_like_media(name.value)

    def _sightings(
        self, subject: Subject, media: Iterable[MediaRef], at: datetime, *, backlog: bool
    ) -> Sequence[Sighting]:
        return [
            Sighting(subject=subject, media=one, name=self.addresses.name_of(one.url), seen_at=at, backlog=backlog)
            for one in {(ref.url, ref.role): ref for ref in media}.values()
        ]

    def _page_of(self, of: wire.Person | wire.Community, letter: str) -> str:
        at = "" if of["local"] else f"@{host_of(of['actor_id'])}"
        return self.addresses.page(letter, f"{of['name']}{at}")


def _plain(of: wire.Person | wire.Community, **roles: Role) -> Iterator[MediaRef]:
    for field, role in roles.items():
        if url := cast("dict[str, Any]", of).get(field):
            yield MediaRef(url=url, role=role)


def _staff(view: wire.PostView | wire.CommentView) -> bool:
    return bool(view.get("creator_is_admin"))


def _visibility(community: wire.Community) -> Visibility:
    return Visibility.LOCAL if community.get("visibility") == "LocalOnly" else Visibility.PUBLIC


def _revision(of: object, *fields: str) -> str:
    values = [cast("dict[str, Any]", of).get(field) for field in fields]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:_REVISION]


@contextmanager
def _shape(what: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadAnswerError(f"a {what} is not in the shape of API v3: {type(error).__name__} {error}") from error
