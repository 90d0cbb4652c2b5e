"""Where else a server shows pictures, and what nobody but its owner may read."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from lemmy_town import MAIN, picture

from adapters.http import Transport
from adapters.lemmy import tour, walk
from adapters.sandbox.lemmy import respond
from bot.domain.content import Alias, Role, SubjectKey, Visibility
from bot.domain.errors import BadAnswerError, PlatformError, UnreachableError
from bot.ports import Batch, Gone

if TYPE_CHECKING:
    from lemmy_town import Town

    from adapters.sandbox.faults import Action
    from bot.ports import Cursor, Instance, Source

AGAIN = timedelta(minutes=11)


def source(instance: Instance, word: str) -> Source:
    return next(one for one in instance.sources if one.name == f"main/{word}")


def round_trip(batch: Batch) -> Cursor:
    found: Cursor = json.loads(json.dumps(batch.cursor))
    return found


def shown(*batches: Batch) -> set[tuple[str, str, Role, str]]:
    return {
        (one.subject.kind, one.subject.local_id, one.media.role, str(one.name.value))
        for batch in batches
        for one in batch.sightings
    }


def toured(town: Town, place: Source, cursor: Cursor | None, *, polls: int = 30) -> tuple[list[Batch], Cursor]:
    """Polls until a round is over, time passing between them."""
    batches = []
    for _ in range(polls):
        batch = place.poll(cursor)
        if batch.cursor is not None:
            batches.append(batch)
            cursor = round_trip(batch)
            if cursor["way"] is None:
                return batches, cursor
        town.clock.offset += timedelta(minutes=2)
    raise AssertionError("never round")


def test_community_without_a_post_is_found(town: Town, instance: Instance) -> None:
    place = source(instance, "communities")
    _, cursor = toured(town, place, None)
    icon, banner, text = (town.upload("admin") for _ in range(3))
    made = town.call(
        "admin",
        "POST",
        "community",
        name="quiet",
        title="Quiet",
        icon=town.url(icon),
        banner=town.url(banner),
        description=f"![x]({town.url(text)})",
        nsfw=True,
    )
    number = str(made["community_view"]["community"]["id"])
    town.call("admin", "PUT", "community/hide", community_id=int(number), hidden=True)
    assert place.poll(cursor).cursor is None  # it is not time
    town.clock.offset += AGAIN
    batch = place.poll(cursor)
    assert shown(batch) == {
        ("community", number, Role.AVATAR, icon),
        ("community", number, Role.BANNER, banner),
        ("community", number, Role.INLINE, text),
    }
    assert not any(one.backlog for one in batch.sightings)
    edited = town.upload("admin")
    town.call("admin", "PUT", "community", community_id=town.community, icon=town.url(edited))
    town.clock.offset += timedelta(hours=7)
    batches, _ = toured(town, place, round_trip(batch))
    assert ("community", str(town.community), Role.AVATAR, edited) in shown(*batches)


@pytest.mark.parametrize("how", ["by us", "by the server"])
def test_communities_are_read_from_both_ends_of_a_list_that_is_cut_off(
    town: Town, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(tour, "LIMIT", 2)
    monkeypatch.setattr(tour, "LAST_PAGE", 2 if how == "by us" else 100)
    if how == "by the server":  # as 0.19.14 does behind page ten
        refusal = '{"error":"unknown","message":"Page limit is > 2"}'
        town.box.faults.before("GET", "/community/list.*page=3", respond(400, refusal), times=9)
    names = []
    for number in range(7):
        icon = town.upload("admin")
        town.call("admin", "POST", "community", name=f"many{number}", title="C", icon=town.url(icon))
        names.append(icon)
    batches, cursor = toured(town, source(town.connect(start_from=None), "communities"), None)
    found = {name for _, _, _, name in shown(*batches)}
    assert found == set(names)  # eight with the town's own, which has no icon
    assert all(one.backlog for batch in batches for one in batch.sightings)
    assert [hole for batch in batches for hole in batch.holes] == [
        "communities between the newest five thousand and the oldest: Lemmy lists no more than 100 pages"
    ]
    assert cursor["way"] is None


@pytest.mark.parametrize(
    ("answer", "error", "tries"),
    [
        (respond(400, '{"error":"unknown"}'), UnreachableError, 4),
        (respond(403, "<h1>Forbidden</h1>", "text/html"), BadAnswerError, 1),
    ],
)
def test_page_of_communities_that_fails_is_read_later_and_is_a_hole_only_in_the_end(
    town: Town, monkeypatch: pytest.MonkeyPatch, answer: Action, error: type[PlatformError], tries: int
) -> None:
    monkeypatch.setattr(tour, "LIMIT", 2)
    monkeypatch.setattr(walk, "IN_VAIN", 3)
    names = []
    for number in range(7):
        icon = town.upload("admin")
        town.call("admin", "POST", "community", name=f"many{number}", title="C", icon=town.url(icon))
        names.append(icon)
    place = source(town.connect(start_from=None), "communities")
    cursor: Any = None
    for _ in range(2):
        batch = place.poll(cursor)
        cursor = round_trip(batch)
        town.clock.offset += timedelta(seconds=40)
    town.box.faults.before("GET", "/community/list.*page=3", answer, times=tries)
    with pytest.raises(error):
        place.poll(cursor)
    batches, after = toured(town, place, cursor)
    assert {name for _, _, _, name in shown(*batches)} <= set(names)
    assert len(shown(*batches)) >= 3
    assert not [hole for one in batches for hole in one.holes]
    town.clock.offset += timedelta(hours=7)
    town.box.faults.before("GET", "/community/list.*page=3", answer, times=99)
    holes, failed = [], 0
    while not holes:
        try:
            batch = place.poll(after)
            after, holes = batch.cursor or after, list(batch.holes)
        except error:
            failed += 1
        town.clock.offset += timedelta(seconds=40)
    assert failed == walk.IN_VAIN - 1
    assert "a page that the server fails at" in holes[0]


def test_accounts_that_never_wrote_anything_are_found_by_search(town: Town, instance: Instance) -> None:
    place = source(instance, "profiles")
    _, cursor = toured(town, place, None)
    town.call(
        "admin", "POST", "user/register", username="shy", password="x" * 12, password_verify="x" * 12, show_nsfw=True
    )
    avatar = town.upload()
    with town.box.state.lock:
        person = next(one for one in town.box.state.people.values() if one.name == "shy")
        person.avatar = town.url(avatar)
    town.clock.offset += AGAIN
    assert shown(place.poll(cursor)) == {("profile", str(person.id), Role.AVATAR, avatar)}


def set_page(town: Town, who: str, **fields: str) -> str:
    """As by the settings of an account, which leave no date behind. Its number."""
    with town.box.state.lock:
        person = town.box.state.people[town.box.people[who].id]
        for field, value in fields.items():
            setattr(person, field, value)
        person.updated = None
    return str(person.id)


def test_new_picture_of_a_quiet_account_from_before_is_told_once(town: Town, instance: Instance) -> None:
    far = "https://far.example/x"
    place = source(instance, "profiles")
    set_page(town, "carol", avatar=f"{far}1.png")
    first, cursor = toured(town, place, None)
    assert shown(*first) == set()
    assert sum(batch.dropped["older than start_from"] for batch in first) > 0
    alice, bob = set_page(town, "alice", avatar=f"{far}2.png"), set_page(town, "bob", bio=f"![p]({far}3)")
    found = []
    for _ in range(2):
        town.clock.offset += timedelta(hours=13)
        batches, cursor = toured(town, place, cursor)
        found.append(shown(*batches))
    assert found == [
        {("profile", alice, Role.AVATAR, f"{far}2.png"), ("profile", bob, Role.INLINE, f"{far}3")},
        set(),
    ]
    set_page(town, "bob", bio="")
    town.clock.offset += timedelta(hours=13)
    batches, cursor = toured(town, place, cursor)
    assert shown(*batches) == set()
    set_page(town, "bob", bio=f"![p]({far}3)")
    town.clock.offset += timedelta(hours=13)
    batches, cursor = toured(town, place, cursor)
    assert shown(*batches) == {("profile", bob, Role.INLINE, f"{far}3")}


def test_more_old_accounts_than_are_kept_in_mind_are_told_of_once(
    town: Town, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tour, "OLD", 1)
    place = source(instance, "profiles")
    first, cursor = toured(town, place, None)
    kept = [int(number) for number in cursor["old"]]
    assert len(kept) == 1
    for who in ("alice", "bob", "carol"):
        set_page(town, who, avatar=f"https://far.example/{who}.png")
    town.clock.offset += timedelta(hours=13)
    second, _ = toured(town, place, cursor)
    assert {int(number) for _, number, _, _ in shown(*second)} <= set(kept)
    assert [hole for batch in (*first, *second) for hole in batch.holes] == [
        "more than 1 profiles are from before start_from: what the others of them show from now on is not seen there"
    ]


def test_cursor_of_before_old_accounts_were_watched_is_read_on(town: Town, instance: Instance) -> None:
    place = source(instance, "profiles")
    _, cursor = toured(town, place, None)
    before = {key: value for key, value in cursor.items() if key not in {"old", "over"}}
    town.clock.offset += timedelta(hours=13)
    _, after = toured(town, place, before)
    assert after["old"] == cursor["old"]


def test_search_that_asks_to_slow_down_is_asked_later(town: Town, instance: Instance) -> None:
    place = source(instance, "profiles")
    town.box.faults.before("GET", "/api/v3/search", respond(400, '{"error":"rate_limit_error"}'))
    batch = place.poll(None)
    assert round_trip(batch)["top"] is None
    town.clock.offset += AGAIN
    patient = source(town.connect(), "profiles")  # the bucket that was found empty fills up in its own time
    assert round_trip(patient.poll(round_trip(batch)))["top"] is not None


def test_site_with_its_taglines_and_emoji(town: Town, instance: Instance) -> None:
    before = town.upload("admin")
    town.call("admin", "PUT", "site", icon=town.url(before))
    place = source(instance, "site")
    first = place.poll(None)
    assert (first.sightings, first.dropped) == ([], {"older than start_from": 1})
    face = town.upload("admin")
    town.call("admin", "PUT", "user/save_user_settings", avatar=town.url(face))
    icon, banner, text, tagline, emoji = (town.upload("admin") for _ in range(5))
    town.call(
        "admin",
        "PUT",
        "site",
        icon=town.url(icon),
        banner=town.url(banner),
        sidebar=f"![s]({town.url(text)})",
        taglines=["plain", f"![t]({town.url(tagline)})"],
    )
    town.call(
        "admin",
        "POST",
        "custom_emoji",
        category="c",
        shortcode="wave",
        image_url=town.url(emoji),
        alt_text="",
        keywords=[],
    )
    town.box._server.site_cache = None  # Lemmy answers from it for a second
    assert place.poll(round_trip(first)) == Batch()  # it is not time
    town.clock.offset += AGAIN
    batch = place.poll(round_trip(first))
    found = {(role, name) for _, _, role, name in shown(batch)}
    assert found == {
        (Role.AVATAR, icon),
        (Role.BANNER, banner),
        (Role.INLINE, text),
        (Role.INLINE, tagline),
        (Role.EMOJI, emoji),
        (Role.AVATAR, face),
    }
    assert not any(one.backlog for one in batch.sightings)
    for one in batch.sightings:
        again = place.read(one.subject.key)
        assert isinstance(again, Batch)
        assert one.name in {other.name for other in again.sightings}
    assert isinstance(place.read(SubjectKey(instance=MAIN, kind="site", local_id="emoji-99")), Gone)
    town.clock.offset += AGAIN
    assert shown(place.poll(round_trip(batch))) == set()


def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Paths of all calls from now on."""
    paths: set[str] = set()
    call = Transport.call

    def noted(self: Transport, method: str, path: str, **more: Any) -> Any:
        paths.add(path)
        return call(self, method, path, **more)

    monkeypatch.setattr(Transport, "call", noted)
    return paths


def test_only_messages_that_were_reported_are_read(
    town: Town, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.call("admin", "PUT", "site", registration_mode="RequireApplication", application_question="why?")
    paths = asked(monkeypatch)
    place = source(instance, "messages")
    cursor = place.poll(None).cursor
    private, reported, edited, answered = (town.upload("bob") for _ in range(4))

    def write(who: str, to: str, alias: str) -> int:
        text = f"look ![p]({town.url(alias)})"
        made = town.call(who, "POST", "private_message", recipient_id=town.box.people[to].id, content=text)
        return int(made["private_message_view"]["private_message"]["id"])

    write("bob", "alice", private)
    write("bob", "warden", private)  # the bot's own mail is no business of the moderators either
    number = write("bob", "alice", reported)
    town.call("alice", "POST", "private_message/report", private_message_id=number, reason="not nice")
    town.call("bob", "PUT", "private_message", private_message_id=number, content=f"![q]({town.url(edited)})")
    town.call(
        "bob",
        "POST",
        "user/register",
        username="applicant",
        password="x" * 12,
        password_verify="x" * 12,
        answer=f"![a]({town.url(answered)})",
    )
    avatar = town.upload("bob")
    town.call("bob", "PUT", "user/save_user_settings", avatar=town.url(avatar))
    town.clock.offset += AGAIN
    batch = place.poll(cursor)
    assert shown(batch) == {
        ("profile", str(town.box.people["bob"].id), Role.AVATAR, avatar),
        ("message", str(number), Role.INLINE, reported),
        ("message", str(number), Role.INLINE, edited),
    }
    subject = batch.sightings[0].subject
    assert subject.visibility is Visibility.REPORTED
    assert subject.author is not None
    assert subject.author.handle.startswith("bob@")
    everything = [one.poll(None) for one in instance.sources if one.name != "main/files"]
    assert {name for _, _, _, name in shown(*everything)}.isdisjoint({private, answered})
    assert "/api/v3/private_message/report/list" in paths
    assert not any("registration_application" in path for path in paths)
    assert "/api/v3/private_message/list" not in paths


def test_reported_message_of_an_admin_is_the_staffs(town: Town, instance: Instance) -> None:
    place = source(instance, "messages")
    cursor = place.poll(None).cursor
    wrote = {}
    for who, to in (("admin", "bob"), ("bob", "alice")):
        made = town.call(
            who,
            "POST",
            "private_message",
            recipient_id=town.box.people[to].id,
            content=f"![p]({town.url(town.upload(who))})",
        )
        wrote[who] = made["private_message_view"]["private_message"]["id"]
        town.call(to, "POST", "private_message/report", private_message_id=wrote[who], reason="not nice")
        set_page(town, who, avatar=town.url(town.upload(who)))
    town.clock.offset += AGAIN
    authors = {
        (one.subject.kind, one.subject.local_id): one.subject.author.is_staff
        for one in place.poll(cursor).sightings
        if one.subject.author is not None
    }
    assert authors == {
        ("message", str(wrote["admin"])): True,
        ("message", str(wrote["bob"])): False,
        ("profile", str(town.box.people["admin"].id)): True,
        ("profile", str(town.box.people["bob"].id)): False,
    }


def test_files_are_the_net_under_everything_else(town: Town, instance: Instance) -> None:
    place = source(instance, "files")
    old = town.upload()
    town.clock.offset = timedelta(minutes=5)
    first = place.poll(None)
    assert (first.files, first.more) == ([], False)
    town.box.files.ingest(content := picture())
    with town.box.files.lock:
        alias = next(iter(town.box.files._names[town.box.files._order[-1][1]]))
    cursor = round_trip(first)
    assert cursor["high"]
    town.clock.offset = timedelta(0)
    cursor = {**cursor, "floor": town.clock.now().replace(year=2000).isoformat()}
    assert place.poll(cursor).files == []  # others still have their time with it
    town.clock.offset = timedelta(minutes=5)
    batch = place.poll(cursor)
    (file,) = batch.files
    assert file.name == Alias(instance=MAIN, value=alias)
    assert file.url == town.url(alias)
    assert not file.backlog
    resolver = instance.resolver
    assert file.sha256 == resolver.digest(file.name)
    assert len(content) > 0
    assert place.poll(round_trip(batch)).files == []
    assert old not in {str(one.name.value) for one in batch.files}


def test_store_is_read_to_its_end_although_files_go_meanwhile(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.pictrs.client.PAGE", 5)
    monkeypatch.setattr("adapters.pictrs.source.PAGES_AT_ONCE", 2)
    aliases = [town.box.files.ingest(picture())[0].name for _ in range(40)]
    town.clock.offset = timedelta(minutes=5)
    place = source(town.connect(start_from=None), "files")
    batches = [place.poll(None)]
    first = round_trip(batches[0])
    assert batches[0].more
    gone = _named_by(town, first["back"]["slug"])
    town.box.files._forget(gone)  # the next page begins with what is not there any more: pict-rs gives its first one
    for _ in range(30):
        batches.append(place.poll(round_trip(batches[-1])))
        if not batches[-1].more:
            break
    else:
        raise AssertionError("goes round and round")
    found = {str(one.name.value) for batch in batches for one in batch.files}
    assert found == {*aliases} - {gone}
    assert all(one.backlog for batch in batches for one in batch.files)


def _named_by(town: Town, slug: str) -> str:
    with town.box.files.lock:
        file = next(one for one in town.box.files._files.values() if one.slug == slug)
        return town.box.files.aliases_of(file)[0]
