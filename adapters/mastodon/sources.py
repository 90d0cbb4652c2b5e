"""What is new in a server's public timelines, and its custom emoji."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from adapters.mastodon.basket import Basket
from adapters.mastodon.mailbox import Mailbox
from adapters.mastodon.window import Window
from bot.domain.errors import BadAnswerError, NotPermittedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.mastodon.client import Listed, MastodonClient
    from adapters.mastodon.reader import Reader
    from adapters.mastodon.server import Server
    from adapters.mastodon.settings import FeedSettings
    from bot.domain.content import SubjectKey
    from bot.ports import Batch, Clock, Cursor, Gone, Inbox

LIMIT = 40  # rows on a page, the most that Mastodon gives
MARKS = 100
EMOJI_EVERY = timedelta(hours=1)


class PublicTimeline:
    """``GET /api/v1/timelines/public``, of local or of remote posts."""

    def __init__(self, client: MastodonClient, *, local: bool, only_media: bool) -> None:
        """``only_media``: without the posts that attach nothing, whose links and authors' pages are not seen then."""
        self._client = client
        self._query = {"local" if local else "remote": True, "limit": LIMIT}
        if only_media:
            self._query["only_media"] = True

    def page(self, below: str | None) -> Listed:
        """See ``Timeline``."""
        return self._client.listing("/api/v1/timelines/public", {**self._query, "max_id": below})


class TimelineSource:
    """One public timeline as a feed of sightings; see ``adapters.mastodon.window`` for how far back it looks."""

    def __init__(
        self,
        name: str,
        feed: PublicTimeline,
        *,
        local: bool,
        server: Server,
        reader: Reader,
        inbox: Inbox,
        settings: FeedSettings,
        start_from: timedelta | None,
    ) -> None:
        """``start_from``: how far before the first poll to begin (zero: now); ``None``: with everything there is.

        ``inbox``: letters to this name are marks, times from which on it has to look again.
        """
        self._name = name
        self._feed = feed
        self._local = local
        self._server = server
        self._reader = reader
        self._mailbox = Mailbox(inbox, name)
        self._settings = settings
        self._start_from = start_from

    @property
    def name(self) -> str:
        """Key of the cursor: ``mastodon-main/local``."""
        return self._name

    def poll(self, after: Cursor | None) -> Batch:
        """A few pages of what is new since ``after``, and of the backlog."""
        self._server.me()  # a token that is not accepted is answered like none, and that is no error to the server
        if not self._server.now().feed_open(local=self._local):
            which = "local" if self._local else "remote"
            raise NotPermittedError(
                f"the public timeline of {which} posts is closed to the bot: give its role the permission View live "
                "and topic feeds, or open it at Administration, Server settings, Discovery",
                code="feed_closed",
            )
        letter = int(after["letter"]) if after is not None else 0
        letters = self._mailbox.letters(letter, limit=MARKS)
        marks = [datetime.fromisoformat(str(one.payload["since"])) for one in letters]
        window = Window(
            feed=self._feed,
            clock=self._reader.clock,
            start_from=self._start_from,
            overlap=self._settings.overlap,
            late=self._settings.late,
            late_every=self._settings.late_every,
        )
        window.go(after, marks)
        basket, converter = Basket(holes=window.holes), self._reader.converter()
        for found in window.found:
            if found.wanted:
                if failed := self._reader.see_row(found.row, basket, converter=converter, backlog=found.backlog):
                    basket.holes.append(failed)  # its window is read again
            elif after is None:
                basket.drop("older than start_from")
        cursor = {**window.cursor, "letter": max([letter, *(one.id for one in letters)])}
        return basket.batch(cursor, more=window.more)

    def read(self, what: SubjectKey) -> Batch | Gone:
        """One subject of any kind again, as it is now."""
        return self._reader.read(what)


class EmojiSource:
    """The server's own custom emoji, once an hour."""

    def __init__(self, name: str, client: MastodonClient, reader: Reader, clock: Clock) -> None:
        """``reader``: of the server of ``client``."""
        self._name = name
        self._client = client
        self._reader = reader
        self._clock = clock

    @property
    def name(self) -> str:
        """Key of the cursor: ``mastodon-main/emoji``."""
        return self._name

    def poll(self, after: Cursor | None) -> Batch:
        """All of them, when it is time: the ledger knows which are new."""
        now, basket = self._clock.now(), Basket()
        if after is not None and now - datetime.fromisoformat(after["at"]) < EMOJI_EVERY:
            return basket.batch(after, more=False)
        converter = self._reader.converter()
        for emoji in self._client.listing("/api/v1/custom_emojis").rows:
            try:
                basket.add(converter.seen_as_emoji(emoji, at=now, backlog=after is None))
            except BadAnswerError as error:
                basket.holes.append(str(error))
        return basket.batch({"at": now.isoformat()}, more=False)

    def read(self, what: SubjectKey) -> Batch | Gone:
        """As every source."""
        return self._reader.read(what)


def timelines(
    client: MastodonClient,
    server: Server,
    reader: Reader,
    inbox: Inbox,
    start_from: timedelta | None,
) -> Sequence[TimelineSource]:
    """Those that the operator wants, the local one first."""
    settings = client.settings
    wanted = [("local", settings.feeds.local), ("remote", settings.feeds.remote)]
    return [
        TimelineSource(
            f"{settings.id}/{word}",
            PublicTimeline(client, local=word == "local", only_media=which == "media"),
            local=word == "local",
            server=server,
            reader=reader,
            inbox=inbox,
            settings=settings.feeds,
            start_from=start_from,
        )
        for word, which in wanted
        if which != "none"
    ]
