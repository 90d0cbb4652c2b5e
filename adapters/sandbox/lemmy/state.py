"""Everything a Lemmy server knows, in memory, behind one lock."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adapters.sandbox.lemmy.modlog_rows import ModlogEntry
    from adapters.sandbox.lemmy.private_messages import PrivateMessage, PrivateMessageReport
    from adapters.sandbox.lemmy.rows import (
        Comment,
        CommentReport,
        Community,
        ImageDetails,
        LocalImage,
        LocalUser,
        LoginToken,
        Person,
        Post,
        PostReport,
        VoteDisplayMode,
    )
    from adapters.sandbox.lemmy.site_rows import (
        Application,
        BlockedUrl,
        CustomEmoji,
        LocalSite,
        RateLimits,
        Site,
        Tagline,
    )

UNDETERMINED = 0
_BAN_SWEEP = timedelta(seconds=60)  # bans end by a scheduled task, not to the second


@cache
def all_languages() -> tuple[tuple[str, str], ...]:
    """Code and name of every language; its place is its id."""
    listed = json.loads((Path(__file__).parent / "languages.json").read_text(encoding="utf-8"))
    return tuple((code, name) for code, name in listed)


@dataclass(slots=True)
class Instance:
    """A known server."""

    id: int
    domain: str
    published: datetime


@dataclass(slots=True)
class State:
    """The tables. Hold ``lock`` while reading or changing them."""

    url: str
    site: Site
    local_site: LocalSite
    rate_limits: RateLimits
    lock: threading.RLock = field(default_factory=threading.RLock)
    instances: dict[int, Instance] = field(default_factory=dict)
    sites: dict[int, Site] = field(default_factory=dict)  # by instance
    people: dict[int, Person] = field(default_factory=dict)
    local_users: dict[int, LocalUser] = field(default_factory=dict)  # by person
    vote_modes: dict[int, VoteDisplayMode] = field(default_factory=dict)  # by local user
    tokens: dict[str, LoginToken] = field(default_factory=dict)
    communities: dict[int, Community] = field(default_factory=dict)
    moderators: dict[tuple[int, int], datetime] = field(default_factory=dict)  # (community, person)
    followers: dict[tuple[int, int], bool] = field(default_factory=dict)  # (community, person) -> pending
    community_bans: dict[tuple[int, int], datetime | None] = field(default_factory=dict)  # -> expiry
    community_blocks: set[tuple[int, int]] = field(default_factory=set)  # (community, person)
    person_blocks: set[tuple[int, int]] = field(default_factory=set)  # (target, person)
    instance_blocks: set[tuple[int, int]] = field(default_factory=set)  # (instance, person): its communities
    instance_people_blocks: set[tuple[int, int]] = field(default_factory=set)  # (instance, person), 1.0 only
    posts: dict[int, Post] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    comments_of: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))  # by post
    post_votes: dict[int, dict[int, int]] = field(default_factory=dict)  # post -> person -> score
    comment_votes: dict[int, dict[int, int]] = field(default_factory=dict)
    saved_posts: dict[tuple[int, int], datetime] = field(default_factory=dict)
    saved_comments: dict[tuple[int, int], datetime] = field(default_factory=dict)
    read_posts: set[tuple[int, int]] = field(default_factory=set)  # (post, person)
    hidden_posts: set[tuple[int, int]] = field(default_factory=set)
    read_comments: dict[tuple[int, int], int] = field(default_factory=dict)  # (post, person) -> count when read
    post_reports: dict[int, PostReport] = field(default_factory=dict)
    comment_reports: dict[int, CommentReport] = field(default_factory=dict)
    private_messages: dict[int, PrivateMessage] = field(default_factory=dict)
    message_reports: dict[int, PrivateMessageReport] = field(default_factory=dict)
    modlog: list[ModlogEntry] = field(default_factory=list)
    images: dict[str, LocalImage] = field(default_factory=dict)  # by alias
    image_details: dict[str, ImageDetails] = field(default_factory=dict)  # by link
    remote_images: set[str] = field(default_factory=set)
    emojis: dict[int, CustomEmoji] = field(default_factory=dict)
    taglines: list[Tagline] = field(default_factory=list)
    blocked_urls: list[BlockedUrl] = field(default_factory=list)
    applications: dict[int, Application] = field(default_factory=dict)
    blocked_instances: list[int] = field(default_factory=list)
    allowed_instances: list[int] = field(default_factory=list)
    site_languages: set[int] = field(default_factory=lambda: set(range(len(all_languages()))))
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _ids: dict[str, int] = field(default_factory=dict)
    _jobs: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    @property
    def host(self) -> str:
        """Our host name, with its port."""
        return self.url.removeprefix("http://")

    def next_id(self, table: str) -> int:
        """The next number of a table; a number is never used twice."""
        self._ids[table] = self._ids.get(table, 0) + 1
        return self._ids[table]

    def skip_ids(self, table: str, last: int) -> None:
        """Go on after ``last``."""
        self._ids[table] = max(last, self._ids.get(table, 0))

    def later(self, seconds: float, job: Callable[[], object]) -> None:
        """Do something on the first call after so many seconds."""
        with self.lock:
            self._jobs.append((time.monotonic() + seconds, job))

    def due(self) -> list[Callable[[], object]]:
        """Take the jobs whose time has come. They are to be run without the lock."""
        with self.lock:
            moment = time.monotonic()
            ready = [job for at, job in self._jobs if at <= moment]
            if ready:
                self._jobs = [(at, job) for at, job in self._jobs if at > moment]
            self._end_bans()
            return ready

    def _end_bans(self) -> None:
        sweep = now() - _BAN_SWEEP
        for person in self.people.values():
            if person.banned and person.ban_expires is not None and person.ban_expires < sweep:
                person.banned, person.ban_expires = False, None
        expired = [key for key, expires in self.community_bans.items() if expires is not None and expires < sweep]
        for key in expired:
            del self.community_bans[key]

    # -- servers

    def known_instance(self, domain: str) -> Instance:
        """A server by its name, made known if need be."""
        for instance in self.instances.values():
            if instance.domain == domain:
                return instance
        made = Instance(id=self.next_id("instance"), domain=domain, published=now())
        self.instances[made.id] = made
        return made

    def listens_to(self, domain: str) -> bool:
        """Whether activities of a server are taken."""
        number = self.known_instance(domain).id
        return number not in self.blocked_instances and (not self.allowed_instances or number in self.allowed_instances)

    # -- who is who

    def local_user(self, person_id: int) -> LocalUser | None:
        """The local account of a person."""
        return self.local_users.get(person_id)

    def is_admin(self, person_id: int) -> bool:
        """Whether a person is an administrator here."""
        user = self.local_users.get(person_id)
        return user is not None and user.admin

    def is_moderator(self, community_id: int, person_id: int) -> bool:
        """Whether a person moderates a community."""
        return (community_id, person_id) in self.moderators

    def moderators_of(self, community_id: int) -> list[int]:
        """The moderators of a community, the first one first."""
        listed = [
            (since, person) for (community, person), since in self.moderators.items() if community == community_id
        ]
        return [person for _, person in sorted(listed)]

    def admins(self) -> list[Person]:
        """The administrators, in the order in which their accounts were made."""
        found = [self.people[user.person_id] for user in self.local_users.values() if user.admin]
        return sorted((person for person in found if not person.deleted), key=lambda person: person.published)

    def person_by_name(self, name: str, domain: str | None = None) -> Person | None:
        """A person of our server, or of another one."""
        for person in self.people.values():
            if person.name.lower() == name.lower() and self._is_of(person.actor_id, person.local, domain):
                return person
        return None

    def community_by_name(self, name: str, domain: str | None = None) -> Community | None:
        """A community of our server, or of another one."""
        for community in self.communities.values():
            if community.name.lower() == name.lower() and self._is_of(community.actor_id, community.local, domain):
                return community
        return None

    @staticmethod
    def _is_of(actor_id: str, local: bool, domain: str | None) -> bool:
        return local if domain is None else actor_id.split("/")[2].lower() == domain.lower()

    def site_of(self, actor_id: str) -> Site | None:
        """The site that an actor lives on."""
        origin = "/".join(actor_id.split("/")[:3]) + "/"
        return next((site for site in (self.site, *self.sites.values()) if site.actor_id == origin), None)

    # -- counts, as Lemmy's triggers keep them

    def counted_comments(self, post_id: int) -> int:
        """Comments of a post that are neither removed nor deleted."""
        listed = (self.comments[comment_id] for comment_id in self.comments_of.get(post_id, ()))
        return sum(not comment.removed and not comment.deleted for comment in listed)

    def children(self, comment: Comment) -> int:
        """Every comment below one, removed ones too."""
        below = comment.path + "."
        listed = (self.comments[comment_id] for comment_id in self.comments_of.get(comment.post_id, ()))
        return sum(other.path.startswith(below) for other in listed)

    # -- rows that go away with others

    def drop_post(self, post: Post) -> None:
        """Delete a post with all that hangs on it."""
        for comment_id in list(self.comments_of.get(post.id, ())):
            self.drop_comment(self.comments[comment_id])
        self.comments_of.pop(post.id, None)
        del self.posts[post.id]
        self.post_reports = {key: row for key, row in self.post_reports.items() if row.post_id != post.id}
        self.modlog = [entry for entry in self.modlog if entry.post_id != post.id]
        self.post_votes.pop(post.id, None)
        self.saved_posts = {key: since for key, since in self.saved_posts.items() if key[0] != post.id}
        self.read_comments = {key: count for key, count in self.read_comments.items() if key[0] != post.id}
        self.read_posts = {key for key in self.read_posts if key[0] != post.id}
        self.hidden_posts = {key for key in self.hidden_posts if key[0] != post.id}

    def drop_comment(self, comment: Comment) -> None:
        """Delete a comment; answers to it stay."""
        del self.comments[comment.id]
        self.comments_of[comment.post_id].remove(comment.id)
        self.comment_reports = {key: row for key, row in self.comment_reports.items() if row.comment_id != comment.id}
        self.modlog = [entry for entry in self.modlog if entry.comment_id != comment.id]
        self.comment_votes.pop(comment.id, None)
        self.saved_comments = {key: since for key, since in self.saved_comments.items() if key[0] != comment.id}

    def drop_community(self, community: Community) -> None:
        """Delete a community with its posts."""
        for post in [post for post in self.posts.values() if post.community_id == community.id]:
            self.drop_post(post)
        del self.communities[community.id]
        self.modlog = [entry for entry in self.modlog if entry.community_id != community.id]
        self.moderators = {key: since for key, since in self.moderators.items() if key[0] != community.id}
        self.followers = {key: pending for key, pending in self.followers.items() if key[0] != community.id}


def newest(entries: Iterable[ModlogEntry]) -> list[ModlogEntry]:
    """Entries of the mod log, the newest first."""
    return sorted(entries, key=lambda entry: entry.when, reverse=True)
