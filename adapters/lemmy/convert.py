"""Lemmy's views become values of the domain. Pure: no HTTP, no clock.

A view that is not in the promised shape raises ``BadAnswerError``; that is the end of that one item.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from adapters import embedded
from adapters.lemmy.addresses import data_in, leads_to_a_file, unproxied
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
    ReportedMessage,
    Role,
    Sighting,
    SitePage,
    Upload,
    Visibility,
)
from bot.domain.errors import BadAnswerError
from bot.domain.hosts import host_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from adapters.lemmy import wire
    from adapters.lemmy.addresses import Addresses
    from bot.domain.content import Subject, SubjectKey

_SHOWN = re.compile(
    r"(?:\A|[\"'])(?:(?!//)[^\"'])*+//[^\"']*\.(?:jpe?g|gif|png|svg|webp|avif|mp4|webm|ogv)", re.IGNORECASE
)
"""The links of posts that Lemmy's own pages show as a picture or film, wherever the ending stands: lemmy-ui 0.19.20 and
1.0.0-beta.1, ``isImage`` and ``isVideo``. What stands behind the link may be nothing of the kind to Lemmy itself."""

_REVISION = 16  # hexadecimal digits: enough to tell two edits of one subject apart


EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
"""Far enough from the ends of what ``datetime`` holds that a time zone or a few weeks more lead over none of them."""

_YEAR = re.compile(r"([+-]?[0-9]{4,9})(-.*)", re.DOTALL)
_LEAP_YEAR = "2000"


def moment(text: str) -> datetime:
    """A point in time, aware, UTC, between ``EARLIEST`` and ``LATEST``. Raises ``ValueError``.

    Lemmy keeps what a remote author's server calls the date of a post or an account, and writes years from -262143 to
    262142, those of more than four digits with a sign (chrono, ``NaiveDate``).
    """
    parts = _YEAR.fullmatch(text)
    if parts is not None and not EARLIEST.year <= int(parts[1]) <= LATEST.year:
        datetime.fromisoformat(_LEAP_YEAR + parts[2])
        return EARLIEST if int(parts[1]) < EARLIEST.year else LATEST
    parsed = datetime.fromisoformat(text)
    aware = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    return min(max(aware, EARLIEST), LATEST)


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

    def seen_on_site(self, answer: wire.Json, *, at: datetime, backlog: bool) -> Sequence[Sighting]:
        """Media of the server's own pages, as ``GET /site`` tells them.

        Taglines and emoji are subjects of their own, so that an edit of one makes nothing of the others new.
        """
        with _shape("site"):
            site, texts = answer["site_view"]["site"], answer["site_view"]["local_site"]
            written = [site.get("sidebar"), site.get("description"), texts.get("legal_information")]
            media = [
                *_plain(site, icon=Role.AVATAR, banner=Role.BANNER),
                *(ref for text in written for ref in self._of_text(text)),
            ]
            page = self._site_page("site", [site.get("icon"), site.get("banner"), *written], site["published"])
            found = list(self._sightings(page, media, at, backlog=backlog))
        for tagline in answer.get("taglines") or ():
            with _shape("tagline"):
                text = tagline["content"]
                page = self._site_page(f"tagline-{tagline['id']}", [text], tagline["published"])
                found.extend(self._sightings(page, self._of_text(text), at, backlog=backlog))
        for view in answer.get("custom_emojis") or ():
            with _shape("custom emoji"):
                emoji = view["custom_emoji"]
                picture = MediaRef(url=emoji["image_url"], role=Role.EMOJI)
                page = self._site_page(f"emoji-{emoji['id']}", [picture.url], emoji["published"])
                found.extend(self._sightings(page, [picture], at, backlog=backlog))
        return found

    def seen_in_message(
        self, row: wire.Json, *, staff: frozenset[int], at: datetime, backlog: bool
    ) -> Sequence[Sighting]:
        """Media of a private message that its recipient reported: as it was then, and as it is now.

        The report keeps the text that was reported, whatever its author makes of the message afterwards. ``staff``: ids
        of the server's admins, for the report does not say whose it is.
        """
        with _shape("message report"):
            report, message = row["private_message_report"], row["private_message"]
            author = row["private_message_creator"]
            texts = [report["original_pm_text"], message["content"]]
            subject = ReportedMessage(
                instance=self.addresses.instance,
                local_id=str(message["id"]),
                uri=message["ap_id"],
                url=f"{self.addresses.url}/reports",
                author=self.account(author, is_staff=author["id"] in staff),
                visibility=Visibility.REPORTED,
                revision=_digest(texts),
                published_at=moment(message["published"]),
            )
            media = [ref for text in texts for ref in self._of_text(text)]
            return self._sightings(subject, media, at, backlog=backlog)

    def _site_page(self, local_id: str, shown: list[Any], published: str) -> SitePage:
        return SitePage(
            instance=self.addresses.instance,
            local_id=local_id,
            uri=f"{self.addresses.url}/#{local_id}",
            url=f"{self.addresses.url}/",
            revision=_digest(shown),
            published_at=moment(published),
        )

    def _of_post(self, post: wire.Post) -> Iterator[MediaRef]:
        declared = post.get("url_content_type")
        url, video = post.get("url"), post.get("embed_video_url")
        if url and ((declared or "").startswith(("image/", "video/")) or self._media(url) or _SHOWN.search(url)):
            yield MediaRef(url=url, role=Role.ATTACHMENT, declared_type=declared)
        if thumbnail := post.get("thumbnail_url"):
            yield MediaRef(url=thumbnail, role=Role.THUMBNAIL)
        if video and (self._media(video) or _SHOWN.search(video) or _SHOWN.search(url or "")):
            yield MediaRef(url=video, role=Role.LINK)
        yield from self._of_text(post.get("body"))

    def _of_text(self, text: str | None) -> Iterator[MediaRef]:
        for link in links(text or "", self.addresses.url, data=True):
            if link.shown:
                yield MediaRef(url=link.url, role=Role.EMOJI if link.emoji else Role.INLINE)
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
        placed = ((ref, self._placed(ref.url, subject.key)) for ref in media)
        here = (replace(ref, url=self.addresses.shown(url)) for ref, url in placed if url is not None)
        return [
            Sighting(subject=subject, media=one, name=self.addresses.name_of(one.url), seen_at=at, backlog=backlog)
            for one in {(ref.url, ref.role): ref for ref in here}.values()
        ]

    def _placed(self, url: str, key: SubjectKey) -> str | None:
        """Where something is fetched: a picture that the text itself carries, where the text is read."""
        data = data_in(url, self.addresses.host)
        if data is not None:
            return embedded.address(self.addresses.reading(key), data)
        return embedded.page_of(unproxied(url, self.addresses.host)) or url

    def _page_of(self, of: wire.Person | wire.Community, letter: str) -> str:
        at = "" if of["local"] else f"@{host_of(of['actor_id'])}"
        return self.addresses.page(letter, f"{of['name']}{at}")


def _plain(of: wire.Person | wire.Community | wire.Json, **roles: Role) -> Iterator[MediaRef]:
    for field, role in roles.items():
        if url := cast("dict[str, Any]", of).get(field):
            yield MediaRef(url=url, role=role)


def _staff(view: wire.PostView | wire.CommentView) -> bool:
    return bool(view.get("creator_is_admin"))


VISIBILITIES = {"LocalOnly": Visibility.LOCAL, "Unlisted": Visibility.UNLISTED}


def is_private(community: object) -> bool:
    """Whether only approved members see what is in it; an admin is shown it. Lemmy 0.19 has no such communities."""
    return isinstance(community, dict) and community.get("visibility") == "Private"


def _visibility(community: wire.Community) -> Visibility:
    return VISIBILITIES.get(community.get("visibility", ""), Visibility.PUBLIC)


def _revision(of: object, *fields: str) -> str:
    return _digest([cast("dict[str, Any]", of).get(field) for field in fields])


def _digest(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:_REVISION]


@contextmanager
def _shape(what: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadAnswerError(f"a {what} has an unknown shape: {type(error).__name__} {error}") from error
