from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from lemmy_town import MAIN, picture

from adapters.lemmy import denied, walk
from adapters.sandbox.lemmy import delay, drop, respond, truncate
from bot.domain.content import Alias, RemoteUrl, Role, SubjectKey
from bot.domain.errors import BadAnswerError, PlatformError, RateLimitedError, UnreachableError
from bot.ports import Batch, Gone

if TYPE_CHECKING:
    from lemmy_town import Town

    from adapters.sandbox.faults import Action
    from bot.ports import Cursor, Instance, Source

POSTS, COMMENTS, UPLOADS = 0, 1, 2
HTML = "<html><h1>Bad Gateway</h1></html>"


def drained(source: Source, cursor: Cursor | None, *, polls: int = 200) -> tuple[list[Batch], Cursor]:
    """Poll until there is nothing more; every cursor goes through JSON, as in the ledger."""
    batches = []
    for _ in range(polls):
        batch = source.poll(cursor)
        assert batch.cursor is not None
        cursor = json.loads(json.dumps(batch.cursor))
        batches.append(batch)
        if not batch.more:
            return batches, cursor
    raise AssertionError("never done")


def seen(batches: list[Batch], kind: str = "post") -> set[int]:
    return {int(s.subject.local_id) for b in batches for s in b.sightings if s.subject.kind == kind}


def many_posts(town: Town, count: int) -> list[int]:
    alias = town.upload()
    return [town.post(url=town.url(alias), name=f"post {n}") for n in range(count)]


def test_names_of_cursors(instance: Instance) -> None:
    names = [source.name for source in instance.sources]
    assert names[:3] == ["main/posts", "main/comments", "main/uploads"]
    beside = ["main/communities", "main/profiles", "main/site", "main/messages", "main/files"]
    assert names[3:] == beside
    assert instance.rare() == set(beside)


def test_new_post_has_all_its_media_with_their_names(town: Town, instance: Instance) -> None:
    source = instance.sources[POSTS]
    cursor = source.poll(None).cursor
    upload, inline = town.upload(), town.upload("bob")
    body = f"![x]({town.url(inline)}) and [l](https://far.example/z.jpg) and https://news.example/article"
    number = town.post(url=town.url(upload), body=body)
    sightings = [s for s in source.poll(cursor).sightings if s.subject.kind == "post"]
    assert {s.subject.local_id for s in sightings} == {str(number)}
    assert all(not s.backlog for s in sightings)
    by_role = {s.media.role: s.name for s in sightings}
    assert by_role[Role.ATTACHMENT] == Alias(instance=MAIN, value=upload)
    assert by_role[Role.INLINE] == Alias(instance=MAIN, value=inline)
    assert by_role[Role.LINK] == RemoteUrl(value="https://far.example/z.jpg")
    assert isinstance(by_role[Role.THUMBNAIL], Alias)
    assert by_role[Role.THUMBNAIL] not in {by_role[Role.ATTACHMENT], by_role[Role.INLINE]}
    subject = sightings[0].subject
    assert subject.author is not None
    assert (subject.author.handle.split("@")[0], subject.author.is_staff) == (town.name("alice"), False)


def test_nothing_older_than_now_is_work(town: Town, instance: Instance) -> None:
    old = many_posts(town, 3)
    town.comment(old[0], f"![c]({town.url(town.upload())})")
    source = instance.sources[POSTS]
    first = source.poll(None)
    assert first.sightings == []
    assert first.dropped == {"older than start_from": 3}
    assert not first.more
    again = source.poll(first.cursor)
    assert again.sightings == []
    assert again.dropped == {}
    assert instance.sources[COMMENTS].poll(None).sightings == []


def test_start_from_all_reads_everything_as_backlog(town: Town) -> None:
    old = many_posts(town, 120)
    source = town.connect(start_from=None).sources[POSTS]
    batches, cursor = drained(source, None)
    assert seen(batches) == set(old)
    assert all(s.backlog for b in batches for s in b.sightings)
    new = town.post(url=town.url(town.upload()))
    (batch,), _ = drained(source, cursor)
    assert {s.subject.local_id for s in batch.sightings if not s.backlog and s.subject.kind == "post"} == {str(new)}


def test_start_from_a_date_stops_there(town: Town) -> None:
    recent = many_posts(town, 60)
    for age in (3, 4, 5):
        published = datetime.now(UTC) - timedelta(days=age)
        town.box.federate_post(image=picture(), published=published)
    batches, cursor = drained(town.connect(start_from=timedelta(days=1)).sources[POSTS], None)
    assert seen(batches) == set(recent)
    assert datetime.fromisoformat(cursor["cutoff"]) < datetime.now(UTC) - timedelta(hours=23)


def test_a_long_way_down_is_walked_in_steps_and_loses_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "PAGES_AT_ONCE", 3)
    source = town.connect().sources[POSTS]
    _, cursor = drained(source, None)
    posts = many_posts(town, 260)
    first = source.poll(cursor)
    assert first.more
    town.box.faults.before("GET", "/post/list", respond(500), times=50)
    with pytest.raises(UnreachableError):
        source.poll(first.cursor)
    town.box.faults.clear()
    late = town.post(url=town.url(town.upload()))  # arrives while the walk is under way
    batches, cursor = drained(source, first.cursor)
    more, _ = drained(source, cursor)
    assert seen([first, *batches, *more]) == {*posts, late}
    assert all(not s.backlog for b in [first, *batches, *more] for s in b.sightings)


def test_purged_post_under_the_cursor_does_not_end_the_walk(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "PAGES_AT_ONCE", 2)
    source = town.connect().sources[POSTS]
    _, cursor = drained(source, None)
    posts = many_posts(town, 130)
    batch = source.poll(cursor)
    assert batch.cursor is not None
    place = batch.cursor["walk"]["at"]
    assert len(place) > 1
    for cursor_id in place[:2]:
        town.call("admin", "POST", "admin/purge/post", post_id=int(cursor_id[1:], 16), reason="x")
    batches, _ = drained(source, batch.cursor)
    assert seen([batch, *batches]) >= set(posts)
    for cursor_id in place:  # every spare one, too: then it starts again from the top
        town.client("admin").post("/api/v3/admin/purge/post", json={"post_id": int(cursor_id[1:], 16), "reason": "x"})
    batches, _ = drained(source, batch.cursor)
    assert seen([batch, *batches]) >= set(posts)


@pytest.mark.parametrize("pinned", [1, 50], ids=["one", "a page"])
def test_pinned_posts_on_top_do_not_hide_what_is_new(town: Town, instance: Instance, pinned: int) -> None:
    for number in many_posts(town, pinned):
        town.call("admin", "POST", "post/feature", post_id=number, featured=True, feature_type="Local")
    source = instance.sources[POSTS]
    _, cursor = drained(source, None)
    new = many_posts(town, 70)
    batches, _ = drained(source, cursor)
    assert seen(batches) >= set(new)


def test_post_dated_into_the_future_hides_nothing(town: Town, instance: Instance) -> None:
    source = instance.sources[POSTS]
    _, cursor = drained(source, None)
    town.box.federate_post(image=picture(), published=datetime.now(UTC) + timedelta(days=900))
    _, cursor = drained(source, cursor)
    new = many_posts(town, 3)
    batches, _ = drained(source, cursor)
    assert seen(batches) >= set(new)


def test_post_dated_into_the_past_is_found_by_its_number(town: Town, instance: Instance) -> None:
    source = instance.sources[POSTS]
    many_posts(town, 120)
    town.clock.offset = 2 * walk.SKEW
    _, cursor = drained(source, None)
    hidden = town.box.federate_post(image=picture(), published=datetime.now(UTC) - timedelta(days=900))
    new = many_posts(town, 2)
    batches, cursor = drained(source, cursor)
    assert seen(batches) >= set(new)
    assert hidden not in seen(batches)
    town.clock.offset += timedelta(minutes=1)
    batches, cursor = drained(source, cursor)
    assert hidden in seen(batches)
    assert cursor["gaps"] == []


def test_post_that_lemmy_denied_when_its_database_failed_is_found_later(town: Town, instance: Instance) -> None:
    source = instance.sources[POSTS]
    many_posts(town, 120)
    town.clock.offset = 2 * walk.SKEW
    _, cursor = drained(source, None)
    hidden = town.box.federate_post(image=picture(), published=datetime.now(UTC) - timedelta(days=900))
    many_posts(town, 1)
    _, cursor = drained(source, cursor)
    town.box.faults.before("GET", rf"/post\?id={hidden}$", respond(400, '{"error":"couldnt_find_post"}'))
    town.clock.offset += timedelta(minutes=1)
    batches, cursor = drained(source, cursor)
    assert town.box.faults.left() == []
    assert hidden not in seen(batches)
    assert cursor["gaps"] == []
    town.clock.offset += denied.AFTER
    batches, cursor = drained(source, cursor)
    assert hidden in seen(batches)
    assert cursor["denied"] == []


def test_removed_and_deleted_are_left_out_and_counted_once(town: Town, instance: Instance) -> None:
    source = instance.sources[COMMENTS]
    post = town.post()
    _, cursor = drained(source, None)
    alias = town.upload("bob")
    comments = [town.comment(post, f"![c]({town.url(alias)})") for _ in range(3)]
    town.call("admin", "POST", "comment/remove", comment_id=comments[0], removed=True, reason="x")
    town.call("bob", "POST", "comment/delete", comment_id=comments[1], deleted=True)
    (batch,), cursor = drained(source, cursor)
    assert seen([batch], "comment") == {comments[2]}
    assert batch.dropped == {"removed": 1, "deleted by its author": 1}
    (batch,), _ = drained(source, cursor)
    assert batch.dropped == {}


def test_comments_are_read_to_the_end_while_new_ones_shift_the_pages(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "PAGES_AT_ONCE", 3)
    source = town.connect().sources[COMMENTS]
    post = town.post()
    _, cursor = drained(source, None)
    text = f"![c]({town.url(town.upload())})"
    comments = [town.comment(post, text) for _ in range(180)]
    batches = []
    for step in range(20):
        batch = source.poll(cursor)
        batches.append(batch)
        cursor = batch.cursor
        if step < 3:
            comments.append(town.comment(post, text))
            town.call("admin", "POST", "admin/purge/comment", comment_id=comments[-2], reason="x")
        if not batch.more:
            break
    more, _ = drained(source, cursor)
    alive = {n for n in comments if n in town.box.state.comments}
    assert seen([*batches, *more], "comment") >= alive


def test_end_of_what_lemmy_lists_is_a_hole_in_words(town: Town) -> None:
    post = town.post()
    text = f"![c]({town.url(town.upload())})"
    for _ in range(60):
        town.comment(post, text)
    refusal = '{"error":"unknown","message":"Page limit is > 1"}'
    town.box.faults.before("GET", "page=2", respond(400, refusal), times=9)
    batches, _ = drained(town.connect(start_from=None).sources[COMMENTS], None)
    (hole,) = [hole for batch in batches for hole in batch.holes]
    assert "behind the newest 50" in hole


def test_uploads_are_listed_from_the_first_on(town: Town, instance: Instance) -> None:
    old = [town.upload("bob") for _ in range(60)]
    source = instance.sources[UPLOADS]
    batches, cursor = drained(source, None)
    uploads = {u.name.value: u for b in batches for u in b.uploads}
    assert set(uploads) == set(old)
    assert all(u.backlog and u.uploader.handle.startswith("bob@") for u in uploads.values())
    new = town.upload("carol")
    (batch,), _ = drained(source, cursor)
    (upload,) = [u for u in batch.uploads if not u.backlog]
    assert upload.name == Alias(instance=MAIN, value=new)
    assert upload.url == town.url(new)
    assert town.client("alice").get(upload.url).is_success


def test_uploads_of_admins_are_of_staff(town: Town, instance: Instance) -> None:
    town.upload("admin")
    town.upload("alice")
    (batch,), _ = drained(instance.sources[UPLOADS], None)
    assert {u.uploader.handle.split("@")[0]: u.uploader.is_staff for u in batch.uploads} == {
        "admin": True,
        "alice": False,
    }


def test_avatars_and_icons_come_along(town: Town, instance: Instance) -> None:
    avatar, icon = town.upload(), town.upload("admin")
    town.call("alice", "PUT", "user/save_user_settings", avatar=town.url(avatar), bio=f"![b]({town.url(icon)})")
    town.call("admin", "PUT", "community", community_id=town.community, icon=town.url(icon))
    source = instance.sources[POSTS]
    cursor = source.poll(None).cursor
    town.post(name="text only")
    found = {(s.subject.kind, s.media.role, s.name) for s in source.poll(cursor).sightings}
    assert found == {
        ("profile", Role.AVATAR, Alias(instance=MAIN, value=avatar)),
        ("profile", Role.INLINE, Alias(instance=MAIN, value=icon)),
        ("community", Role.AVATAR, Alias(instance=MAIN, value=icon)),
    }


def test_one_broken_row_is_the_end_of_that_row_only(town: Town, instance: Instance) -> None:
    source = instance.sources[POSTS]
    cursor = source.poll(None).cursor
    new = town.post(url=town.url(town.upload()))
    listed = town.call("warden", "GET", "post/list", type_="All", sort="New")
    broken: list[object] = [
        {},
        {"post": {"id": 9}},
        {**listed["posts"][0], "creator": {"id": 1}},
        None,
        *listed["posts"],
    ]
    town.box.faults.before("GET", "/post/list", respond(200, json.dumps({"posts": broken})))
    batch = source.poll(cursor)
    assert seen([batch]) == {new}
    assert len(batch.holes) == 4


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (drop(), UnreachableError),
        (respond(500, '{"error":"unknown"}'), UnreachableError),
        (respond(503, '{"error":"Lemmy is currently starting"}'), UnreachableError),
        (respond(502, HTML, "text/html"), UnreachableError),
        (truncate(), UnreachableError),
        (respond(400, '{"error":"couldnt_get_comments"}'), UnreachableError),
        (respond(200, HTML, "text/html"), BadAnswerError),
        (respond(200, "[]"), BadAnswerError),
        (respond(200, '{"unexpected":true}'), BadAnswerError),
        (respond(404, HTML, "text/html"), BadAnswerError),
        (respond(403, HTML, "text/html"), BadAnswerError),
        (respond(429, HTML, "text/html"), RateLimitedError),
        (respond(400, '{"error":"rate_limit_error"}'), RateLimitedError),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(getattr(value, "status", type(value).__name__)),
)
@pytest.mark.parametrize("which", [POSTS, COMMENTS, UPLOADS])
@pytest.mark.usefixtures("pauses")
def test_faults_have_types_and_lose_nothing(
    town: Town, instance: Instance, which: int, action: object, error: type[PlatformError]
) -> None:
    source = instance.sources[which]
    post = town.post(url=town.url(town.upload()))
    town.comment(post, f"![c]({town.url(town.upload('bob'))})")
    cursor = source.poll(None).cursor
    alias = town.upload("bob")
    town.post("bob", url=town.url(alias))
    town.comment(post, f"![c]({town.url(alias)})")
    path = ("/post/list", "/comment/list", "/list_all_media")[which]
    town.box.faults.before("GET", path, action, times=4)  # type: ignore[arg-type]
    with pytest.raises(error):
        source.poll(cursor)
    town.box.faults.clear()
    batch = source.poll(cursor)
    names = {s.name.value for s in batch.sightings} | {u.name.value for u in batch.uploads}
    assert alias in names


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("path", ["page_cursor", "validate_auth"])
def test_what_is_listed_before_a_page_that_fails_is_told(town: Town, instance: Instance, path: str) -> None:
    source = instance.sources[POSTS]
    cursor = source.poll(None).cursor
    posts = many_posts(town, 60)
    town.box.faults.before("GET", path, respond(200, HTML, "text/html"), times=9)
    batch = source.poll(cursor)
    assert batch.cursor is None
    assert "text/html" in batch.trouble
    assert seen([batch]) >= set(posts[10:])
    town.box.faults.clear()
    batches, _ = drained(source, cursor)
    assert seen(batches) >= set(posts)


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (respond(400, '{"error":"couldnt_get_posts"}'), "couldnt_get_posts"),
        (respond(403, HTML, "text/html"), "answered with 403 and text/html"),
        (respond(200, HTML, "text/html"), "answered with 200 and text/html"),
    ],
    ids=["refused", "forbidden", "words"],
)
def test_page_of_the_backlog_that_fails_is_trouble_until_it_is_a_hole_and_keeps_no_new_post_waiting(
    town: Town, monkeypatch: pytest.MonkeyPatch, answer: Action, said: str
) -> None:
    for number in range(120):
        town.box.federate_post(image=picture(), published=datetime.now(UTC) - timedelta(days=3, seconds=number))
    source = town.connect(start_from=None).sources[POSTS]
    with monkeypatch.context() as first:
        first.setattr(walk, "PAGES_AT_ONCE", 1)
        cursor = source.poll(None).cursor
    assert cursor is not None
    town.box.faults.before("GET", f"={cursor['back'][0]}$", answer, times=10**6)
    for _ in range(walk.IN_VAIN - 1):
        new = town.post(url=town.url(town.upload()))
        town.clock.offset += timedelta(seconds=15)
        batch = source.poll(cursor)
        assert "the backlog: GET /api/v3/post/list" in batch.trouble
        assert said in batch.trouble
        assert new in seen([batch])
        assert (list(batch.holes), batch.more) == ([], False)
        assert batch.cursor is not None
        cursor = json.loads(json.dumps(batch.cursor))
    batch = source.poll(cursor)
    assert batch.trouble == ""
    assert ["behind a page that the server fails at" in hole for hole in batch.holes] == [True]
    assert source.poll(batch.cursor).trouble == ""


def test_short_faults_are_not_even_noticed(town: Town, instance: Instance) -> None:
    source = instance.sources[POSTS]
    cursor = source.poll(None).cursor
    new = town.post(url=town.url(town.upload()))
    for action in (drop(), respond(500), delay(0.2)):
        town.box.faults.before("GET", "/post/list", action)
    assert seen([source.poll(cursor)]) == {new}


def test_bot_that_is_no_admin_any_more_says_what_to_do(town: Town, instance: Instance) -> None:
    instance.sources[UPLOADS].poll(None)
    town.box.demote("warden")
    with pytest.raises(PlatformError, match="not an admin of this server"):
        instance.sources[UPLOADS].poll(None)


def test_read_again(town: Town, instance: Instance) -> None:
    alias = town.upload()
    post = town.post(url=town.url(alias))
    comment = town.comment(post, f"![c]({town.url(alias)})")
    source = instance.sources[POSTS]

    def read(kind: str, number: object) -> Batch | Gone:
        return source.read(SubjectKey(instance=MAIN, kind=kind, local_id=str(number)))

    for kind, number in (("post", post), ("comment", comment)):
        batch = read(kind, number)
        assert isinstance(batch, Batch)
        assert Alias(instance=MAIN, value=alias) in {s.name for s in batch.sightings}
        assert not batch.withdrawn
    assert isinstance(read("profile", town.box.people["alice"].id), Batch)
    assert isinstance(read("community", town.community), Batch)
    for kind, number in (
        ("post", 9999),
        ("comment", 9999),
        ("profile", 9999),
        ("community", 9999),
        ("site", 1),
        ("post", "x"),
    ):
        assert isinstance(read(kind, number), Gone)
    town.call("bob", "POST", "comment/delete", comment_id=comment, deleted=True)
    town.call("alice", "POST", "post/delete", post_id=post, deleted=True)
    for kind, number in (("post", post), ("comment", comment)):
        batch = read(kind, number)  # its files live on, and an admin is shown them
        assert isinstance(batch, Batch)
        assert batch.sightings
        assert batch.withdrawn


def test_edit_changes_the_revision(town: Town, instance: Instance) -> None:
    post = town.post(url=town.url(town.upload()))
    before = town.subject(instance, "post", post).revision
    town.call("alice", "PUT", "post", post_id=post, body=f"![new]({town.url(town.upload())})")
    assert town.subject(instance, "post", post).revision != before


def test_old_post_is_read_when_it_is_edited_and_stays_backlog(town: Town, instance: Instance) -> None:
    old, untouched = many_posts(town, 2)
    source = instance.sources[POSTS]
    _, cursor = drained(source, None)
    alias = town.upload()
    town.call("alice", "PUT", "post", post_id=old, body=f"![new]({town.url(alias)})")
    (batch,), _ = drained(source, cursor)
    assert seen([batch]) == {old}
    assert untouched != old
    added = [one for one in batch.sightings if one.name == Alias(instance=MAIN, value=alias)]
    assert [one.backlog for one in added] == [True]


def test_limits_of_the_server_are_kept(town: Town, instance: Instance) -> None:
    town.call("admin", "PUT", "site", rate_limit_message=6, rate_limit_message_per_second=2)
    source = instance.sources[COMMENTS]
    instance.inspector.check()
    cursor = None
    for _ in range(6):
        cursor = source.poll(cursor).cursor
