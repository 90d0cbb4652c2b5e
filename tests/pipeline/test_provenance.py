"""Which bytes are looked at, and who is taken for their uploader, on the whole road."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

import making
from bot.domain.content import MediaRef, RemoteUrl, Role, Sighting
from bot.domain.decisions import HoldReason, IntentState
from bot.domain.errors import UnreachableError
from bot.domain.evidence import Evidence, How, Unscannable, UnscannableKind
from bot.pipeline.scan import AS_SHOWN
from bot.policy import Condition
from bot.ports import Batch, TaskKind

from .test_examine import BAD, OTHER, THUMB, World, world  # noqa: F401  the fixture

FAR = "https://far.example/a.png"
SHOWN = "https://here.example/api/v3/image_proxy?url=https%3A%2F%2Ffar.example%2Fa.png"
GONE = Unscannable(kind=UnscannableKind.GONE, detail="404")
LATER = Unscannable(kind=UnscannableKind.UNREACHABLE, detail="502", retry_at=making.NOW + timedelta(seconds=5))


def see(world: World, url: str, *, post: int = 1, author=None, role: Role = Role.ATTACHMENT) -> RemoteUrl:  # noqa: F811
    name = RemoteUrl(value=FAR)
    seen = Sighting(
        subject=making.post(post, author), media=MediaRef(url=url, role=role), name=name, seen_at=making.NOW
    )
    world.ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
    return name


def attribution(world: World, name):  # noqa: F811
    record = world.ledger.name(str(name))
    found = world.pipeline._s.index.about(record.file_id).attributions[name]
    return (found.uploader.handle.split("@")[0] if found.uploader else None), found.how


def test_what_users_are_shown_is_looked_at_and_not_what_the_origin_gives_us(world):  # noqa: F811
    name = see(world, FAR)
    see(world, f"{SHOWN}&thumbnail=96", post=2)
    world.files = {SHOWN: BAD, FAR: OTHER}
    assert world.examine(name).hits
    assert world.fetches == 1


def test_origin_is_asked_where_our_server_does_not_show_it(world):  # noqa: F811
    name = see(world, SHOWN)
    world.files = {SHOWN: GONE, FAR: BAD}
    scan = world.examine(name)
    assert scan.hits
    assert AS_SHOWN not in scan.gaps


def test_what_our_server_shows_is_looked_at_later_where_it_could_not_be_had(world):  # noqa: F811
    name = see(world, SHOWN)
    world.files = {SHOWN: LATER, FAR: OTHER}
    world.run_tasks()
    assert AS_SHOWN in world.ledger.troubles()[0].reason
    world.files[SHOWN] = BAD
    world.clock.pass_(minutes=5)
    world.run_tasks()
    world.clock.pass_(seconds=1)
    world.subjects = [replace(one, seen_at=world.clock.now()) for one in world.ledger.sightings_under(name)]
    for kind in (TaskKind.REVISIT, TaskKind.JUDGE):  # the post may have been edited in those minutes
        world.run_tasks(kind)
    assert len(world.ledger.cases()) == 1
    assert [one.kind for one in world.ledger.troubles()] == [TaskKind.REVISIT], "its second look"
    known = world.ledger.file_by_sha256(hashlib.sha256(OTHER).hexdigest())
    assert isinstance(known.scan, Evidence)
    assert known.scan.gaps == (), "the file itself lacks nothing"
    assert world.ledger.name(str(name)).file_id != known.id


def test_nothing_that_answers_is_tried_again_if_one_may(world):  # noqa: F811
    name = see(world, SHOWN)
    world.files = {SHOWN: GONE, FAR: LATER}
    assert world.examine(name) == LATER


def test_smaller_copy_in_a_post_hides_no_listed_file(world):  # noqa: F811
    name = making.alias()
    small = f"{making.address(name)}?format=webp&thumbnail=96"
    seen = Sighting(
        subject=making.post(), media=MediaRef(url=small, role=Role.ATTACHMENT), name=name, seen_at=making.NOW
    )
    world.ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
    world.files = {making.address(name): BAD, small: OTHER}
    assert world.examine(name).hits


def test_custom_thumbnail_without_a_record_accuses_nobody(world):  # noqa: F811
    """The picture beside it is the poster's own, and something else."""
    world.uploads[making.alias()] = making.upload()
    world.examine(world.see(OTHER))
    victims = world.see(BAD, name="victims.png", role=Role.THUMBNAIL)
    world.examine(victims)
    assert attribution(world, victims) == (None, How.UNKNOWN)
    assert not [kind for kind, _ in world.intents() if kind == "ban_account"]


def seen_later(world: World, data: bytes, name: str, *, post: int = 1, author=None, role: Role = Role.ATTACHMENT):  # noqa: F811
    """What is shown now, an hour after everything else, and was looked at."""
    world.clock.pass_(hours=1)
    alias = making.alias(name)
    world.files[making.address(alias)] = data
    seen = replace(making.sighting(making.post(post, author), alias, role=role), seen_at=world.clock.now())
    world.ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
    world.examine(alias)
    return alias


@pytest.fixture
def thumbnail(world):  # noqa: F811
    """That of Alice's picture in her first post."""
    world.uploads[making.alias()] = making.upload()
    world.examine(world.see(BAD))
    name = world.see(THUMB, name="t.png", role=Role.THUMBNAIL)
    world.examine(name)
    return name


def test_thumbnail_that_looks_like_its_picture_is_its_uploaders(world, thumbnail):  # noqa: F811
    assert attribution(world, thumbnail) == ("alice", How.THUMBNAIL_OF)


def test_thumbnail_that_another_post_shows_beside_something_else_accuses_nobody(world, thumbnail):  # noqa: F811
    """That of a link is from its page: a picture that looks like it, in another post, may be a victim's."""
    world.pdq[OTHER] = world.pdq[BAD]
    seen_later(world, OTHER, "victims.png", author=making.account("victim"))
    assert attribution(world, thumbnail) == ("alice", How.THUMBNAIL_OF), "what comes later takes nothing over"
    seen_later(world, b"an article", "o.png", post=2)
    seen_later(world, THUMB, "t.png", post=2, role=Role.THUMBNAIL)
    assert attribution(world, thumbnail) == (None, How.UNKNOWN)


def test_thumbnail_that_was_there_before_the_picture_accuses_nobody(world):  # noqa: F811
    chosen = world.see(THUMB, name="t.png", role=Role.THUMBNAIL)
    world.examine(chosen)
    world.uploads[making.alias()] = making.upload()
    seen_later(world, BAD, "a.png")
    assert attribution(world, chosen) == (None, How.UNKNOWN)


def test_thumbnail_of_two_peoples_picture_is_neithers(world, thumbnail):  # noqa: F811
    bob = making.account("bob")
    world.uploads[making.alias("b.png")] = making.upload(making.alias("b.png"), bob)
    seen_later(world, BAD, "b.png", post=2, author=bob)
    seen_later(world, THUMB, "t.png", post=2, author=bob, role=Role.THUMBNAIL)
    assert attribution(world, thumbnail) == (None, How.UNKNOWN)


def orphan(world: World, data: bytes, name: str = "orphan.png"):  # noqa: F811
    """A name of the file store that nobody shows and nobody is listed for."""
    alias = making.alias(name)
    world.files[making.address(alias)] = data
    world.ledger.add_name(alias, making.address(alias))
    world.examine(alias)
    return alias


def test_orphan_thumbnail_is_tied_to_the_picture_that_it_looks_like(world):  # noqa: F811
    world.uploads[making.alias()] = making.upload()
    world.examine(world.see(BAD))
    assert attribution(world, orphan(world, THUMB)) == ("alice", How.LOOKS_LIKE)
    assert attribution(world, orphan(world, OTHER, "other.png")) == (None, How.UNKNOWN)


def test_orphan_that_looks_like_a_flagged_picture_waits_in_its_case_for_a_human(world):  # noqa: F811
    world.uploads[making.alias()] = making.upload()
    stray = orphan(world, THUMB)
    world.examine(world.see(BAD))
    (case,) = world.ledger.cases()
    purges = {
        record.intent.name: record for (kind, _), record in world.intents(case.number).items() if kind == "purge_file"
    }
    assert set(purges) == {making.alias(), stray}
    assert (purges[stray].state, tuple(purges[stray].reasons)) == (IntentState.HELD, (HoldReason.WEAK_ATTRIBUTION,))
    assert purges[stray].intent.how is How.LOOKS_LIKE
    assert purges[making.alias()].state is IntentState.READY


def test_picture_of_somebody_that_looks_alike_is_no_orphan(world):  # noqa: F811
    world.uploads = {making.alias(name): making.upload(making.alias(name)) for name in ("a.png", "b.png")}
    world.examine(world.see(THUMB, name="b.png", post=2, author=making.account("bob")))
    world.examine(world.see(BAD))
    assert [target for kind, target in world.intents() if kind == "purge_file"] == [str(making.alias())]


def test_orphan_that_looks_like_two_peoples_picture_is_neithers(world):  # noqa: F811
    for number, who in enumerate(("alice", "bob")):
        name = making.alias(f"{who}.png")
        world.uploads[name] = making.upload(name, making.account(who))
        world.examine(world.see(BAD, name=name.value, post=number + 1, author=making.account(who)))
    assert attribution(world, orphan(world, THUMB)) == (None, How.UNKNOWN)


def test_copy_of_the_image_proxy_is_known_by_the_post_that_it_was_fetched_for(world):  # noqa: F811
    copy = making.alias("copy.png")
    asked = []

    def names(name):
        asked.append(name)
        return [copy] if name == RemoteUrl(value=FAR) else []

    world.names = names
    world.digest = lambda name: hashlib.sha256(BAD).hexdigest() if name == copy else None
    name = see(world, SHOWN)
    world.files = {SHOWN: BAD, making.address(copy): BAD}
    world.examine(name)
    assert attribution(world, copy) == ("alice", How.PROXIED_FOR)
    assert ("purge_file", str(copy)) in world.intents()


def test_file_store_is_not_asked_about_files_that_our_server_only_links(world):  # noqa: F811
    asked = []
    world.names = lambda name: asked.append(name) or []
    name = see(world, FAR)
    world.files = {FAR: BAD}
    world.examine(name)
    assert asked == []


def test_listed_file_that_nobody_is_known_to_have_stored_is_a_case_all_the_same(world):  # noqa: F811
    """An upload of long ago: nothing tells its age, so it goes no further than what was there before the bot."""
    stray = orphan(world, BAD)
    assert set(world.intents()) == {("purge_file", str(stray))}
    assert world.states()["purge_file"] == (IntentState.HELD, (HoldReason.STAGE,))


def test_look_alike_names_nobody_where_the_list_of_uploads_is_cut_or_cannot_be_asked_for(world):  # noqa: F811
    """Somebody else may have stored the same picture: on Lemmy 1.0 it has other bytes each time."""
    world.uploads[making.alias()] = making.upload()
    stray = orphan(world, THUMB)
    world.examine(world.see(BAD))
    for whole, told in (
        (False, (None, How.UNKNOWN)),
        (UnreachableError("no answer", sent=True), (None, How.UNKNOWN)),
        (True, ("alice", How.LOOKS_LIKE)),
    ):
        world.list_is_whole = whole
        assert attribution(world, stray) == told
    assert ("purge_file", str(stray)) in world.intents(), "it is in the picture's case all the same"


def test_rule_about_accounts_leaves_a_file_without_one_alone(world):  # noqa: F811
    when = Condition(lists=("bad",), local_author=True)
    object.__setattr__(world.pipeline._judge._s, "rules", [making.rule(when=when)])
    orphan(world, BAD)
    assert world.ledger.cases() == []


def test_deeds_say_how_the_uploader_was_known(world):  # noqa: F811
    world.uploads[making.alias()] = making.upload()
    world.examine(world.see(BAD))
    planned = {kind: record.intent for (kind, _), record in world.intents().items()}
    assert (planned["purge_file"].uploader, planned["purge_file"].how) == (making.account(), How.LISTED)
    assert planned["ban_account"].known is How.LISTED


def test_ban_on_a_look_alike_waits_for_a_human(world):  # noqa: F811
    world.ledger.add_upload(making.upload())  # as the feed tells
    world.examine(world.see(OTHER))
    world.pdq[OTHER] = world.pdq[BAD]
    world.ledger.save_scan(
        world.ledger.name(str(making.alias())).file_id,
        replace(world.ledger.file(1).scan, pdq=world.pdq[BAD]),
    )
    orphan(world, BAD)
    ban = next(record for (kind, _), record in world.intents().items() if kind == "ban_account")
    assert ban.intent.known is How.LOOKS_LIKE
    assert HoldReason.WEAK_ATTRIBUTION in ban.reasons
