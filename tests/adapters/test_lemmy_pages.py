"""Pages of Lemmy's listings, as 0.19 gives them: rows with odd dates, rows that go away, and calls that fail."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from adapters.http import Answer
from adapters.lemmy import again, errors, uploads, walk
from adapters.lemmy.addresses import Addresses
from adapters.lemmy.convert import Converter
from adapters.lemmy.feeds import LIMIT, PINNED_PAGES, PostFeed, comment_feed, cut_behind, upload_feed
from adapters.lemmy.uploads import UploadIndex
from adapters.lemmy.v4.uploads import PAGES_AT_ONCE, ImagePage, UploadSource
from adapters.lemmy.walk import Patience, Walk
from bot.domain.content import Alias, InstanceId, Upload
from bot.domain.errors import NotFoundError, RejectedError, UnreachableError
from making import StillClock, account

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
TIMEOUT = json.dumps({"error": "unknown", "message": "Timeout occurred while waiting for a slot to become available"})
NO_COMMENTS = '{"error":"couldnt_get_comments"}'
PERSON = {"id": 7, "name": "bob", "actor_id": "https://x/u/bob", "local": True, "published": START.isoformat()}


def refusal(body: str) -> None:
    """What an answer with status 400 is raised as."""
    errors.check(Answer(what="GET /list", status=400, headers={}, body=body.encode()))


def words() -> None:
    """What a firewall's page of words is raised as."""
    errors.check(Answer(what="GET /list", status=403, headers={}, body=b"<html>Forbidden</html>"))


@dataclass
class Lists:
    """A client of a server with nothing but lists. ``before`` is called before each call with its path and page."""

    version: tuple[int, ...] = (0, 19, 20)
    last_page: int = 100
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    before: Callable[[str, Any], None] = lambda *_: None
    asked: list[Any] = field(default_factory=list)

    def site(self) -> SimpleNamespace:
        return SimpleNamespace(version=self.version, admins=frozenset())

    def spare(self) -> int:
        return 0

    def upload(self, count: int, *, at: datetime = START) -> list[str]:
        names = []
        listed = self.rows.setdefault("images", [])
        for _ in range(count):
            at += timedelta(milliseconds=1)
            names.append(f"{len(listed):06}.png")
            local = {"pictrs_alias": names[-1], "published": at.isoformat()}
            listed.append({"local_image": local, "person": PERSON, "at": at})
        return names

    def comment(self, count: int, *, at: datetime = START) -> list[int]:
        listed = self.rows.setdefault("comments", [])
        numbers = range(len(listed) + 1, len(listed) + count + 1)
        for n in numbers:
            when = at + timedelta(seconds=n)
            listed.append({"comment": {"id": n, "published": when.isoformat()}, "at": when})
        return list(numbers)

    def post(self, count: int, published: str = "", *, sorted_as: datetime = START) -> list[int]:
        listed = self.rows.setdefault("posts", [])
        numbers = range(len(listed) + 1, len(listed) + count + 1)
        for n in numbers:
            when = sorted_as + timedelta(milliseconds=n)
            listed.append({"post": {"id": n, "published": published or when.isoformat()}, "at": when})
        return list(numbers)

    def get(self, path: str, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        key = {"/post/list": "posts", "/comment/list": "comments", "/admin/list_all_media": "images"}.get(path)
        if key is None:
            raise NotFoundError("no such row")
        page, limit = params.get("page", 1), params["limit"]
        self.asked.append(params.get("page_cursor") or page)
        self.before(key, self.asked[-1])
        if page > self.last_page:
            message = json.dumps({"error": "unknown", "message": f"Page limit is > {self.last_page}"})
            refusal(NO_COMMENTS if key == "comments" else message)
        shown = sorted(self.rows.get(key, ()), key=lambda row: (_is_pinned(row), row["at"]), reverse=True)
        cursor = params.get("page_cursor")
        if cursor is not None:
            places = {f"P{row['post']['id']:x}": place for place, row in enumerate(shown, 1)}
            if cursor not in places:
                refusal('{"error":"unknown","message":"Could not parse pagination token"}')
            return {key: shown[places[cursor] :][:limit]}
        return {key: shown[limit * (page - 1) :][:limit]}


def _is_pinned(row: dict[str, Any]) -> bool:
    return bool(row.get("post", {}).get("featured_local"))


class Reader:
    """Polls as a source does."""

    def __init__(self, feed: Any) -> None:
        self.feed, self.clock, self.patience = feed, StillClock(START + timedelta(hours=1)), Patience()
        self.cursor: Any = None
        self.seen: set[int] = set()
        self.backlog: set[int] = set()
        self.holes: list[str] = []
        self.trouble = ""

    def poll(self, *, start_from: timedelta | None = timedelta(0)) -> None:
        self.clock.time += timedelta(seconds=15)
        one: Walk[Any] = Walk(feed=self.feed, clock=self.clock, start_from=start_from, patience=self.patience)
        one.go(self.cursor)
        self.cursor = json.loads(json.dumps(one.cursor))
        self.seen |= {self.feed.number(found.row) for found in one.found}
        self.backlog |= {self.feed.number(found.row) for found in one.found if found.backlog}
        self.holes += one.holes
        self.trouble = one.trouble

    def polls(self, count: int) -> int:
        """How many of them failed."""
        failed = 0
        for _ in range(count):
            try:
                self.poll()
            except walk.FAILED:
                failed += 1
        return failed

    def names(self, lists: Lists) -> set[str]:
        rows = {self.feed.number(row): row for row in lists.rows["images"]}
        return {rows[number]["local_image"]["pictrs_alias"] for number in self.seen & set(rows)}


def reading(lists: Lists, feed: Callable[[Any], Any]) -> Reader:
    """One that has seen the first of all, and nothing else."""
    reader = Reader(feed(lists))
    reader.poll()
    return reader


def fails_once(key: str, page: int, body: str) -> Callable[[str, Any], None]:
    left = [1]

    def before(where: str, number: Any) -> None:
        if (where, number) == (key, page) and left.pop():
            left.append(0)
            refusal(body)
        elif not left:
            left.append(0)

    return before


# -------------------------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize("published", ["+10000-01-01T00:00:00Z", "+262142-12-31T23:59:59Z", "no date at all"])
def test_pages_of_posts_with_dates_that_cannot_be_read_hide_nothing_below_them(published: str) -> None:
    lists = Lists()
    lists.post(1)
    reader = reading(lists, PostFeed)
    ordinary = lists.post(100)
    odd = lists.post(50, published, sorted_as=START + timedelta(days=900))
    lists.post(3, published, sorted_as=START + timedelta(days=901))
    reader.polls(4)
    assert reader.seen >= set(ordinary)
    assert (reader.seen >= set(odd)) == published.startswith("+")
    assert len(lists.asked) < 4 * walk.PAGES_AT_ONCE


# -------------------------------------------------------------------------------------------------------- pinned posts


def pinned(lists: Lists, count: int) -> list[int]:
    """Posts that an admin has pinned to the front page."""
    numbers = lists.post(count)
    for row in lists.rows["posts"][-count:]:
        row["post"]["featured_local"] = True
    return numbers


@pytest.mark.parametrize("count", [LIMIT, LIMIT + 1, 3 * LIMIT])
def test_what_was_there_when_pages_of_posts_were_pinned_is_backlog_all_of_it(count: int) -> None:
    lists = Lists()
    old = [*pinned(lists, count), *lists.post(120)]
    reader = Reader(PostFeed(lists))  # type: ignore[arg-type]
    for _ in range(3):
        reader.poll(start_from=None)
    assert reader.seen == reader.backlog == {*old}
    assert reader.cursor["floor"] == old[-1]
    assert reader.cursor["back"] is None
    new = lists.post(1, sorted_as=START + timedelta(hours=1))
    reader.poll(start_from=None)
    assert reader.seen - reader.backlog == {*new}


def test_pinned_post_that_goes_before_the_page_below_it_is_read_hides_nothing() -> None:
    lists = Lists()
    pinned(lists, LIMIT)
    lists.post(1)
    reader = reading(lists, PostFeed)
    new = lists.post(70, sorted_as=START + timedelta(hours=1))

    def before(_: str, page: Any) -> None:
        if page != 1:
            lists.rows["posts"] = [row for row in lists.rows["posts"] if row["post"]["id"] != 1]

    lists.before = before
    reader.poll()
    assert reader.seen >= {*new}


def test_place_is_no_pinned_post_which_may_be_unpinned_by_the_next_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = Lists()
    pinned(lists, 2 * LIMIT)
    lists.post(120)
    reader = Reader(PostFeed(lists))  # type: ignore[arg-type]
    with monkeypatch.context() as first:
        first.setattr(walk, "PAGES_AT_ONCE", 1)
        reader.poll(start_from=None)
    assert reader.cursor["back"] is not None
    for row in lists.rows["posts"]:
        row["post"]["featured_local"] = False
    reader.poll(start_from=None)
    assert reader.backlog == {row["post"]["id"] for row in lists.rows["posts"]}


def test_more_pinned_posts_than_are_read_on_are_a_hole_in_words() -> None:
    lists = Lists()
    pinned(lists, (PINNED_PAGES + 2) * LIMIT)
    page = PostFeed(lists).page(None)  # type: ignore[arg-type]
    assert len(lists.asked) == PINNED_PAGES + 1
    assert page.following is None
    assert page.hole == f"posts below the first {(PINNED_PAGES + 1) * LIMIT}, for all of those are pinned"


# ------------------------------------------------------------------------------------------- a database that has failed


def test_words_of_a_database_that_has_failed_are_no_refusals() -> None:
    for code in errors.TROUBLES:
        with pytest.raises(UnreachableError) as raised:
            refusal(json.dumps({"error": code}))
        assert raised.value.sent
        assert raised.value.code == code
    for code in ("not_higher_admin_", "couldnt_create_report", "couldnt_update_comment", "slurs"):
        with pytest.raises(RejectedError):
            refusal(json.dumps({"error": code}))
    with pytest.raises(NotFoundError):
        refusal('{"error":"couldnt_find_post"}')
    with pytest.raises(NotFoundError):
        errors.check(Answer(what="x", status=404, headers={}, body=b'{"error":"couldnt_update_user"}'))


@pytest.mark.parametrize(
    "message",
    [
        "Could not parse pagination token",
        "Fetch limit is > 50",
        "Page limit is > 100",
        "Query deserialize error: invalid digit found in string",
        "Json deserialize error: missing field `reason` at line 1 column 26",
        "Content type error",
        "Invalid last symbol 101, offset 6.",
        'insert or update on table "instance_actions" violates foreign key constraint "instance_actions_person"',
        "HTTP status client error (404 Not Found) for url (http://127.0.0.1:8084/internal/purge?alias=x.png)",
    ],
)
@pytest.mark.parametrize("quiet", [False, True])
def test_what_no_second_try_changes_is_a_refusal(message: str, quiet: bool) -> None:
    body = json.dumps({"error": "unknown", "message": message}).encode()
    with pytest.raises(RejectedError) as raised:
        errors.check(Answer(what="x", status=400, headers={}, body=body), quiet=quiet)
    assert (message in str(raised.value)) != quiet


@pytest.mark.parametrize("body", [TIMEOUT, NO_COMMENTS])
def test_page_that_fails_once_is_not_the_end_of_the_list(body: str) -> None:
    lists = Lists()
    lists.upload(1)
    reader = reading(lists, upload_feed)
    new = lists.upload(600)
    lists.before = fails_once("images", 7, body)
    assert reader.polls(8) == 1
    assert reader.names(lists) >= set(new)
    assert reader.holes == []


@pytest.mark.parametrize("fails", [lambda: refusal(TIMEOUT), words])
def test_page_that_fails_for_ever_is_a_hole_in_the_end_and_what_is_new_is_seen(fails: Callable[[], None]) -> None:
    lists = Lists()
    lists.upload(1)
    reader = reading(lists, upload_feed)
    lists.upload(600)

    def before(_: str, page: int) -> None:
        if page >= 7:
            fails()

    lists.before = before
    assert reader.polls(1) == 0
    assert reader.polls(walk.IN_VAIN) == walk.IN_VAIN - 1
    assert [hole.split(":")[0] for hole in reader.holes] == ["what is listed behind a page that the server fails at"]
    new = lists.upload(3, at=START + timedelta(hours=2))
    assert reader.polls(1) == 0
    assert reader.names(lists) >= set(new)


def test_server_that_fails_at_every_page_is_waited_for() -> None:
    lists = Lists()
    lists.upload(1)
    reader = reading(lists, upload_feed)
    new = lists.upload(600)
    reader.poll()
    lists.before = lambda *_: refusal(TIMEOUT)
    assert reader.polls(3 * walk.IN_VAIN) == 3 * walk.IN_VAIN
    lists.before = lambda *_: None
    reader.polls(8)
    assert reader.names(lists) >= set(new)
    assert reader.holes == []


def test_backlog_that_fails_keeps_nothing_new_waiting() -> None:
    lists = Lists()
    old = lists.upload(600)
    reader = reading(lists, upload_feed)

    def before(_: str, page: int) -> None:
        if page >= 7:
            refusal(TIMEOUT)

    lists.before = before
    new = lists.upload(1, at=START + timedelta(hours=2))
    assert reader.polls(4) == 0
    assert reader.names(lists) >= set(new)
    assert reader.holes == []
    assert "the backlog: " in reader.trouble
    lists.before = lambda *_: None
    reader.polls(8)
    assert reader.names(lists) >= {*old, *new}
    assert reader.trouble == ""


def stuck_in_the_past() -> tuple[Lists, Reader]:
    """The next page of the backlog fails, and that one alone."""
    lists = Lists()
    lists.upload(600)
    reader = reading(lists, upload_feed)
    lists.before = lambda _, page: refusal(TIMEOUT) if page > 1 else None
    return lists, reader


def test_page_of_the_backlog_that_fails_for_ever_is_trouble_and_in_the_end_a_hole() -> None:
    lists, reader = stuck_in_the_past()
    for _ in range(walk.IN_VAIN - 1):
        reader.poll()
        assert "waiting for a slot" in reader.trouble
        assert reader.holes == []
    reader.poll()
    assert [hole.split(":")[0] for hole in reader.holes] == ["what is listed behind a page that the server fails at"]
    assert (reader.trouble, reader.cursor["back"]) == ("", None)
    new = lists.upload(3, at=START + timedelta(hours=2))
    reader.polls(2)
    assert reader.names(lists) >= set(new)
    assert len(reader.holes) == 1


def test_patience_with_a_page_of_the_backlog_outlives_the_bot_and_begins_anew_behind_it() -> None:
    lists, reader = stuck_in_the_past()
    reader.polls(walk.IN_VAIN - 1)
    reader.patience = Patience()
    failing, lists.before = lists.before, lambda *_: None
    reader.polls(1)
    assert reader.cursor["back"] is not None
    lists.before = failing
    reader.polls(walk.IN_VAIN - 1)
    assert reader.holes == []
    reader.patience = Patience()
    reader.polls(1)
    assert len(reader.holes) == 1


def test_cursor_without_a_count_of_polls_in_vain_is_read_on() -> None:
    _, reader = stuck_in_the_past()
    reader.cursor.pop("stuck", None)
    assert reader.polls(1) == 0
    assert reader.trouble


def test_backlog_of_a_server_that_fails_at_the_newest_page_too_is_waited_for() -> None:
    lists, reader = stuck_in_the_past()
    tops = itertools.count()
    lists.before = lambda _, page: refusal(TIMEOUT) if page > 1 or next(tops) % 2 else None
    assert reader.polls(2 * walk.IN_VAIN) == 0
    assert "waiting for a slot" in reader.trouble
    lists.before = lambda *_: None
    reader.polls(4)
    assert (reader.trouble, reader.holes, len(reader.seen)) == ("", [], 600)


def test_page_of_what_is_read_again_fails_for_ever_and_is_told() -> None:
    lists = Lists()
    lists.comment(200, at=START + timedelta(minutes=56))
    reader = reading(lists, comment_feed)

    def before(_: str, page: int) -> None:
        if page >= 2:
            refusal(NO_COMMENTS)

    lists.before = before
    assert reader.polls(20 * again.TRIES) == 0
    assert reader.holes
    assert {hole.split(" of the last")[0] for hole in reader.holes} == {"edits"}


@pytest.mark.parametrize(
    ("feed", "version"),
    [
        (upload_feed, (0, 19, 14)),
        (comment_feed, (0, 19, 14)),
        (upload_feed, ()),  # of comments, a server that hides its version seems to have a database that fails
    ],
)
def test_end_of_what_a_server_lists_is_a_hole_and_costs_no_patience(version: tuple[int, ...], feed: Any) -> None:
    lists = Lists(version=version, last_page=10)
    lists.upload(1)
    lists.comment(1)
    reader = reading(lists, feed)
    lists.upload(700)
    lists.comment(700)
    assert reader.polls(8) == 0
    (hole,) = reader.holes[:1]
    assert "behind the newest 500: Lemmy lists no more than 10 pages" in hole
    assert len(reader.seen) >= 501


@pytest.mark.parametrize("last_page", [10, 100])
def test_pages_overlap_and_lead_to_the_end_of_what_is_listed(last_page: int) -> None:
    above, count = 0, 0
    while (cut := cut_behind(above, last_page)) is not None:
        size, number = cut
        assert 1 <= size <= 50
        assert 1 <= number <= last_page
        assert size * (number - 1) < above or above == 0 or above >= 50 * (last_page - 2)
        above, count = size * number, count + 1
    assert above == 50 * last_page
    assert count <= 1.3 * last_page


# --------------------------------------------------------------------------------------------- rows that have gone away


@pytest.mark.parametrize("gone", [5, 60, 120])
def test_uploads_that_are_deleted_between_two_pages_pull_none_past_the_bot(gone: int) -> None:
    lists = Lists()
    lists.upload(1)
    reader = reading(lists, upload_feed)
    new = lists.upload(320)

    def before(_: str, page: int) -> None:
        if page == 4:
            lists.before = lambda *_: None
            del lists.rows["images"][-gone:]

    lists.before = before
    reader.polls(8)
    assert reader.names(lists) >= set(new[:-gone])
    assert reader.holes == []


def test_uploads_that_are_deleted_between_two_polls_pull_none_past_the_bot() -> None:
    lists = Lists()
    lists.upload(1)
    reader = reading(lists, upload_feed)
    new = lists.upload(600)
    reader.poll()
    assert reader.cursor["walk"] is not None
    del lists.rows["images"][-140:]
    reader.polls(8)
    assert reader.names(lists) >= set(new[:-140])


def test_comments_of_before_the_bot_are_not_passed_over_either() -> None:
    lists = Lists()
    old = lists.comment(400)
    reader = Reader(comment_feed(lists))  # type: ignore[arg-type]

    def before(_: str, page: int) -> None:
        if page == 4:
            lists.before = lambda *_: None
            del lists.rows["comments"][-30:]

    lists.before = before
    for _ in range(8):
        reader.poll(start_from=None)
    assert reader.seen >= set(old[:-30])


def test_place_that_a_bot_of_before_noted_is_read_from_the_page_above_it() -> None:
    lists = Lists()
    names = lists.upload(300)
    feed = upload_feed(lists)  # type: ignore[arg-type]
    page = feed.page(4)
    shown = [row["local_image"]["pictrs_alias"] for row in page.rows]
    assert {names[-101], names[-145]} <= set(shown)


# --------------------------------------------------------------------------------------------- who stored what, by name


def index(lists: Lists) -> UploadIndex:
    addresses = Addresses(instance=InstanceId("main"), url="https://x")
    return UploadIndex(lists, Converter(addresses=addresses), monotonic=iter(range(0, 10**6, 100)).__next__)  # type: ignore[arg-type]


def test_index_that_a_page_failed_for_knows_what_is_below_it_the_next_time() -> None:
    lists = Lists()
    names = lists.upload(300)
    known = index(lists)
    lists.before = fails_once("images", 3, TIMEOUT)
    with pytest.raises(UnreachableError):
        known.find(names[0])
    assert known.find(names[0]) is not None
    new = lists.upload(200, at=START + timedelta(hours=2))
    lists.before = fails_once("images", 3, TIMEOUT)
    with pytest.raises(UnreachableError):
        known.find("never.png")
    assert known.find(new[0]) is not None


def test_index_that_is_full_finds_what_is_new_on_the_second_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "KEPT", 200)
    lists = Lists(version=(), last_page=2)
    lists.upload(100)
    known = index(lists)
    assert known.find("never.png") is None
    for hours in range(1, 5):
        new = lists.upload(70, at=START + timedelta(hours=hours))
        assert known.find(new[0]) is not None
    calls = len(lists.asked)
    assert known.find("never.png") is None
    assert len(lists.asked) == calls + 1, "what is known already is not read to its end each time"


# ------------------------------------------------------------------------------------------------------------ Lemmy 1.0


class Images:
    """A list of images that can be read page by page, newest first."""

    def __init__(self) -> None:
        self.uploads: list[Upload] = []

    def upload(self, count: int) -> None:
        for _ in range(count):
            at = START + timedelta(seconds=len(self.uploads))
            name = Alias(instance=InstanceId("main"), value=f"{len(self.uploads)}.png")
            self.uploads.append(
                Upload(name=name, url=f"https://x/{name.value}", uploader=account(), uploaded_at=at, backlog=False)
            )

    def page(self, cursor: str | None) -> ImagePage:
        """The cursor names the last upload of the page before it."""
        newest_first = self.uploads[::-1] if cursor is None else self.uploads[: int(cursor)][::-1]
        shown = newest_first[:50]
        return ImagePage(uploads=shown, following=shown[-1].name.value.split(".")[0] if len(shown) == 50 else None)


@pytest.mark.parametrize("new", [400, 1000])
def test_more_new_images_than_one_poll_reads_are_all_told(new: int) -> None:
    images = Images()
    images.upload(10)
    clock = StillClock(START + timedelta(seconds=9))
    source = UploadSource("main/uploads", images, None, clock)  # type: ignore[arg-type]
    cursor = source.poll(None).cursor
    images.upload(new)
    told: set[str] = set()
    polls = 0
    while True:
        batch = source.poll(cursor)
        cursor = json.loads(json.dumps(batch.cursor))
        told |= {str(upload.name.value) for upload in batch.uploads if not upload.backlog}
        polls += 1
        if polls == 1:
            images.upload(3)  # while the way down is not finished
        if not batch.more:
            break
    last = source.poll(cursor)
    told |= {str(upload.name.value) for upload in last.uploads}
    assert told >= {str(upload.name.value) for upload in images.uploads[10:]}
    assert polls == -(-new // (50 * PAGES_AT_ONCE)) + (new % 250 == 0)
    assert last.cursor is not None
    assert last.cursor["newest"] == images.uploads[-1].uploaded_at.isoformat()
