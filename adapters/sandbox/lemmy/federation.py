"""What arrives from the pretend remote instance: people, communities, posts and comments of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.comments import add_comment
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.links import describe
from adapters.sandbox.lemmy.rows import Comment, Community, Person, Post
from adapters.sandbox.lemmy.site_rows import Site
from adapters.sandbox.lemmy.state import Instance, all_languages

if TYPE_CHECKING:
    from datetime import datetime

    from adapters.sandbox.lemmy.calling import Server
    from adapters.sandbox.pictrs import FileStore

REMOTE_ADMIN, REMOTE_USER, REMOTE_COMMUNITY = "admin", "rita", "far"


@dataclass(slots=True)
class Federation:
    """The remote instance as our server sees it.

    ``thumbnail_again`` is the number of seconds after which a post is announced once more, which makes our server
    replace its thumbnail; the first one stays in the store with nothing pointing at it.
    """

    server: Server
    files: FileStore
    url: str
    thumbnail_again: float
    users: tuple[str, ...] = (REMOTE_ADMIN, REMOTE_USER)
    communities: tuple[str, ...] = (REMOTE_COMMUNITY,)

    @property
    def domain(self) -> str:
        """The host name of the remote instance, with its port."""
        return self.url.removeprefix("http://")

    def host(self, data: bytes) -> str:
        """Put a file on the remote instance; returns its URL there."""
        alias, _ = self.files.ingest(data)
        return f"{self.url}/pictrs/image/{alias.name}"

    def resolve(self, query: str) -> None:
        """Make a remote community or person known, by handle or by address. Anything else is not there."""
        name, _, domain = query[1:].partition("@") if query[:1] in {"!", "@"} else ("", "", "")
        if domain == self.domain:
            if query[0] == "!" and name in self.communities:
                self.community(name)
            elif query[0] == "@" and name in self.users:
                self.person(name)
        elif query.startswith(f"{self.url}/c/") and query.rsplit("/", 1)[1] in self.communities:
            self.community(query.rsplit("/", 1)[1])
        elif query.startswith(f"{self.url}/u/") and query.rsplit("/", 1)[1] in self.users:
            self.person(query.rsplit("/", 1)[1])

    def person(self, name: str) -> Person:
        """A remote person, made known if need be."""
        state = self.server.state
        with state.lock:
            known = state.person_by_name(name, self.domain)
            if known is None:
                known = Person(
                    id=state.next_id("person"),
                    name=name,
                    published=now(),
                    actor_id=f"{self.url}/u/{name}",
                    local=False,
                    instance_id=self._instance(),
                )
                state.people[known.id] = known
            return known

    def community(self, name: str) -> Community:
        """A remote community with its moderator, made known if need be."""
        state = self.server.state
        with state.lock:
            known = state.community_by_name(name, self.domain)
            if known is None:
                known = Community(
                    id=state.next_id("community"),
                    name=name,
                    title=name.capitalize(),
                    published=now(),
                    actor_id=f"{self.url}/c/{name}",
                    local=False,
                    instance_id=self._instance(),
                    languages=set(range(len(all_languages()))),
                )
                state.communities[known.id] = known
                state.moderators[(known.id, self.person(REMOTE_ADMIN).id)] = now()
            return known

    def post(
        self,
        community: Community,
        author: str,
        *,
        name: str,
        url: str | None,
        body: str | None,
        published: datetime | None,
        nsfw: bool,
    ) -> Post:
        """A post as it arrives. ``published`` is taken as it is, be it long ago or to come.

        Raises ``LemmyError`` when our server does not listen to the remote one.
        """
        self._check_listened_to()
        state, creator = self.server.state, self.person(author)
        with state.lock:
            number, there, moment = state.next_id("post"), state.next_id("remote post"), published or now()
            post = Post(
                id=number,
                name=name,
                url=url,
                body=body,
                creator_id=creator.id,
                community_id=community.id,
                published=moment,
                newest_comment_time=moment,
                nsfw=nsfw or community.nsfw,
                ap_id=f"{self.url}/post/{there}",
                local=False,
            )
            state.posts[number] = post
            state.post_votes[number] = {creator.id: 1}
        describe(self.server, post, None)
        if post.thumbnail_url is not None:
            state.later(self.thumbnail_again, lambda: self._announce_again(post))
        return post

    def _announce_again(self, post: Post) -> None:
        if post.id in self.server.state.posts:
            describe(self.server, post, None)

    def comment(
        self, post: Post, author: str, content: str, *, parent: Comment | None, published: datetime | None
    ) -> Comment:
        """A comment as it arrives; raises as ``post`` does."""
        self._check_listened_to()
        state, creator = self.server.state, self.person(author)
        with state.lock:
            number = state.next_id("comment")
            comment = Comment(
                id=number,
                creator_id=creator.id,
                post_id=post.id,
                content=content,
                published=published or now(),
                ap_id=f"{self.url}/comment/{state.next_id('remote comment')}",
                local=False,
                path=f"{'0' if parent is None else parent.path}.{number}",
            )
            add_comment(state, comment)
            state.comment_votes[number] = {creator.id: 1}
            return comment

    def link(self) -> None:
        """Make the instance itself known, so that it stands among the federated ones."""
        with self.server.state.lock:
            self._instance()

    def _check_listened_to(self) -> None:
        if not self.server.state.listens_to(self.domain):
            raise LemmyError("domain_blocked", self.domain)

    def _instance(self) -> int:
        state = self.server.state
        known = next((row for row in state.instances.values() if row.domain == self.domain), None)
        if known is None:
            known = Instance(state.next_id("instance"), self.domain, now())
            state.instances[known.id] = known
            state.sites[known.id] = Site(
                id=state.next_id("site"),
                name="sandbox-remote",
                published=now(),
                actor_id=f"{self.url}/",
                last_refreshed_at=now(),
                inbox_url=f"{self.url}/inbox",
                public_key="-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
                instance_id=known.id,
            )
        return known.id
