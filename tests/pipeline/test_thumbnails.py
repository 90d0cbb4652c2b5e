"""What is purged with a picture as its thumbnail, and what only looks like it and is somebody else's."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace

import pytest

import making
from bot.domain.content import Role, StoredFile
from bot.domain.decisions import HoldReason, IntentState
from bot.domain.errors import UnreachableError
from bot.domain.evidence import How
from bot.enforce import Enforcement
from bot.pipeline import Mistaken
from bot.ports import Batch, TaskKind
from enforce.platform import Platform

from .test_examine import BAD, OTHER, READY, THUMB, World, world  # noqa: F401  the fixture

VICTIM = making.account("victim")
WEAK = (IntentState.HELD, (HoldReason.WEAK_ATTRIBUTION,))


def show(world: World, data: bytes, name: str, *, post: int = 1, author=None, role: Role = Role.ATTACHMENT):  # noqa: F811
    """As it is now, whatever the clock says."""
    alias = making.alias(name)
    world.files[making.address(alias)] = data
    seen = replace(making.sighting(making.post(post, author), alias, role=role), seen_at=world.clock.now())
    world.ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
    return alias


def flagged(world: World, *, name: str = "a.png", post: int = 1):  # noqa: F811
    """Alice's picture, which is on the list; who stored it is known."""
    alias = making.alias(name)
    world.uploads[alias] = making.upload(alias)
    return show(world, BAD, name, post=post)


def thumbnail(world: World, *, post: int = 1, author=None):  # noqa: F811
    """A picture that looks like the listed one, in the place of a thumbnail; it was looked at."""
    alias = show(world, THUMB, "t.png", post=post, author=author, role=Role.THUMBNAIL)
    world.examine(alias)
    return alias


def purge_of(world: World, name):  # noqa: F811
    return world.intents()["purge_file", str(name)]


def decided(world: World, name):  # noqa: F811
    record = purge_of(world, name)
    return record.state, tuple(record.reasons)


def judge(world: World, name) -> None:  # noqa: F811
    asyncio.run(world.pipeline._judge.judge(world.ledger.name(str(name)).file_id))


def enforcement(world: World):  # noqa: F811
    mistaken = Mistaken(world.ledger, world.pipeline._s.index)
    return Enforcement(
        world.ledger, {making.HERE: Platform()}, world.clock, confirmed=lambda _: None, mistaken=mistaken
    )


@pytest.mark.parametrize("role", [Role.THUMBNAIL, Role.ATTACHMENT, Role.INLINE])
def test_what_another_post_shows_too_is_not_purged_as_a_thumbnail(world, role):  # noqa: F811
    """Anybody can choose the thumbnail, or the picture, of another post for his own."""
    chosen = thumbnail(world)
    show(world, THUMB, "t.png", post=2, author=VICTIM, role=role)
    picture = flagged(world)
    world.examine(picture)
    assert decided(world, chosen) == WEAK
    assert purge_of(world, chosen).intent.how is How.LOOKS_LIKE
    assert decided(world, picture) == READY


def test_what_another_post_shows_under_another_name_is_not_purged_as_a_thumbnail(world):  # noqa: F811
    chosen = thumbnail(world)
    world.examine(show(world, THUMB, "other-name.png", post=2, author=VICTIM))
    world.examine(flagged(world))
    assert decided(world, chosen) == WEAK


def test_custom_thumbnail_that_was_there_before_the_picture_was_not_made_from_it(world):  # noqa: F811
    chosen = thumbnail(world)
    world.clock.pass_(seconds=60)
    picture = flagged(world)
    world.examine(picture)
    assert decided(world, chosen) == WEAK
    world.clock.pass_(seconds=60)
    made = show(world, THUMB + b" anew", "made.png", role=Role.THUMBNAIL)
    world.pdq[THUMB + b" anew"] = world.pdq[THUMB]
    world.examine(made)
    assert decided(world, made) == READY
    assert purge_of(world, made).intent.how is How.THUMBNAIL_OF


def test_thumbnail_of_two_posts_goes_with_the_pictures_of_both_once_they_are_one_case(world):  # noqa: F811
    """The same picture in other bytes: the server makes the same thumbnail from both."""
    twin = b"other bytes that show the same pixels"
    world.pixels = {BAD: "f" * 64, twin: "f" * 64}
    world.pdq[twin] = world.pdq[BAD]
    world.listed.add(hashlib.sha256(twin).hexdigest())
    world.examine(flagged(world))
    made = thumbnail(world)
    thumbnail(world, post=2)
    judge(world, making.alias())
    assert decided(world, made) == WEAK
    name = making.alias("b.png")
    world.uploads[name] = making.upload(name)
    world.examine(show(world, twin, "b.png", post=2))
    assert decided(world, made) == READY


def test_who_stored_what_is_to_be_purged_as_a_thumbnail_is_asked_first(world):  # noqa: F811
    """The feed of uploads has not told of it, or it was stored long before the bot."""
    picture, chosen = flagged(world), thumbnail(world)
    world.uploads[chosen] = making.upload(chosen, VICTIM)
    world.examine(picture)
    assert [target for kind, target in world.intents() if kind == "purge_file"] == [str(picture)]


def test_where_a_thumbnail_is_shown_besides_is_asked_first_once(world):  # noqa: F811
    asked = []
    picture, chosen = flagged(world), thumbnail(world)
    world.subjects = [making.sighting(making.comment(9, VICTIM), chosen, role=Role.INLINE)]
    uses, world.uses = world.uses, lambda name: asked.append(name) or (uses(name) if name == chosen else [])
    world.examine(picture)
    assert decided(world, chosen) == WEAK
    judge(world, picture)
    assert asked == [picture, chosen]


def test_where_a_thumbnail_is_shown_is_asked_although_the_rule_takes_the_file_from_everybody(world):  # noqa: F811
    object.__setattr__(world.pipeline._judge._s, "rules", [making.rule(any_use=True)])
    picture, chosen = flagged(world), thumbnail(world)
    world.subjects = [making.sighting(making.comment(9, VICTIM), chosen, role=Role.INLINE)]
    uses, world.uses = world.uses, lambda name: uses(name) if name == chosen else []
    world.examine(picture)
    assert decided(world, chosen) == WEAK
    assert decided(world, picture) == READY


def test_purge_waits_while_nobody_can_be_asked_about_a_thumbnail(world):  # noqa: F811
    picture, chosen = flagged(world), thumbnail(world)
    ask = world.uploader

    def uploader(name):
        if name == chosen:
            raise UnreachableError("down", sent=False)
        return ask(name)

    world.uploader = uploader
    with pytest.raises(UnreachableError):
        world.examine(picture)
    assert "purge_file" not in world.states()
    world.uploader = ask
    world.examine(picture)
    assert decided(world, chosen) == READY


@pytest.mark.parametrize("told", [False, UnreachableError("down", sent=False)], ids=["cut off", "no answer"])
def test_where_the_server_does_not_tell_who_stored_it_a_thumbnail_may_be_anybodys(world, told):  # noqa: F811
    picture, made = flagged(world), thumbnail(world)
    world.ledger.add_upload(world.uploads[picture])  # so that nobody has to be asked about that
    world.list_is_whole = told
    world.examine(picture)
    assert decided(world, made) == WEAK
    assert decided(world, picture) == READY
    world.list_is_whole = True
    world.examine(picture)
    assert decided(world, made) == READY, "it is known better now"


def test_thumbnail_that_turns_out_to_be_shown_elsewhere_is_not_purged(world):  # noqa: F811
    picture, made = flagged(world), thumbnail(world)
    world.examine(picture)
    world.examine(show(world, THUMB, "t.png", post=2, author=VICTIM))
    assert decided(world, made) == WEAK


def test_what_somebody_protected_shows_is_not_purged_as_a_thumbnail(world):  # noqa: F811
    picture, made = flagged(world), thumbnail(world)
    show(world, THUMB, "t.png", post=2, author=making.account("admin", is_staff=True))
    world.examine(picture)
    assert HoldReason.PROTECTED in purge_of(world, made).reasons
    assert decided(world, picture) == READY


def test_just_before_the_purge_the_ledger_is_asked_whether_it_still_is_a_thumbnail(world):  # noqa: F811
    """What is learned of another name of the same bytes has nobody judge the picture again."""
    picture, made = flagged(world), thumbnail(world)
    world.examine(picture)
    world.ledger.record("", Batch(uploads=[making.upload(made, VICTIM)]), examine_uploads=False)
    world.run_tasks(TaskKind.EXAMINE)
    assert decided(world, made) == READY
    acting = enforcement(world)
    acting.work(1, world.ledger.acquire("tester", seconds=60).fence)
    assert decided(world, made) == WEAK
    assert purge_of(world, picture).state is IntentState.DONE
    record = purge_of(world, made)
    world.ledger.set_state(record.id, IntentState.READY, by="ann", approve=True)
    acting.work(1, world.ledger.acquire("tester", seconds=60).fence)
    assert purge_of(world, made).state is IntentState.DONE, "she has looked at it"


def test_listed_thumbnail_that_is_judged_by_itself_is_not_for_its_picture_to_hold(world):  # noqa: F811
    """Whose picture it is shows its thumbnail elsewhere, too."""
    world.listed.add(hashlib.sha256(THUMB).hexdigest())
    world.pixels = dict.fromkeys((BAD, THUMB), "f" * 64)
    picture = flagged(world)
    world.examine(picture)
    made = thumbnail(world)
    assert (decided(world, made), purge_of(world, made).file) == (READY, world.ledger.name(str(picture)).file_id)
    world.examine(show(world, THUMB, "t.png", post=2))
    for name in (made, picture, made, picture):
        judge(world, name)
        assert decided(world, made) == READY


THUMB_AGAIN = b"the thumbnail that a later edit has the server make of it"


def alike(world):  # noqa: F811
    """A picture so small that its thumbnails have its very pixels, which are on the list."""
    for data in (BAD, THUMB, THUMB_AGAIN):
        world.listed.add(hashlib.sha256(data).hexdigest())
        world.pdq[data] = world.pdq[BAD]
        world.pixels[data] = "f" * 64


def test_thumbnail_that_was_looked_at_before_its_picture_does_not_hold_what_the_picture_tells_of_it(
    world,  # noqa: F811
    monkeypatch,
):
    alike(world)
    picture = flagged(world)
    made = show(world, THUMB, "t.png", role=Role.THUMBNAIL)
    judging = world.pipeline._judge
    plan = judging._plan

    async def later(*what):
        """While this one was looked at, the picture was, too."""
        monkeypatch.undo()
        await world.pipeline.examine(str(picture))
        await plan(*what)

    monkeypatch.setattr(judging, "_plan", later)
    world.examine(made)
    assert len(world.ledger.case(1).files) == 2
    assert (decided(world, made), decided(world, picture)) == (READY, READY)


def test_thumbnail_that_nothing_shows_any_more_is_not_for_the_newer_one_to_hold(world):  # noqa: F811
    """The file store tells of it, and it is on the list by itself."""
    alike(world)
    before, at = making.alias("t.png"), world.clock.now()
    world.files[making.address(before)] = THUMB
    digest = hashlib.sha256(THUMB).hexdigest()
    stored = StoredFile(name=before, url=making.address(before), sha256=digest, stored_at=at, backlog=False)
    world.ledger.record("", Batch(files=[stored]), examine_uploads=True)
    world.examine(before)
    assert decided(world, before) == READY
    picture, after = flagged(world), show(world, THUMB_AGAIN, "t2.png", role=Role.THUMBNAIL)
    world.examine(after)
    assert len(world.ledger.case(1).files) == 2
    assert decided(world, before) == READY
    world.examine(picture)
    assert [decided(world, name) for name in (before, after, picture)] == [READY, READY, READY]


def test_shared_file_is_held_by_its_own_facts_however_it_was_planned(world):  # noqa: F811
    alike(world)
    picture, made = flagged(world), show(world, THUMB, "t.png", role=Role.THUMBNAIL)
    world.examine(made)
    world.examine(picture)
    assert decided(world, made) == READY
    world.examine(show(world, THUMB, "t.png", post=2, author=VICTIM))
    assert decided(world, made)[0] is IntentState.HELD
    assert HoldReason.SHARED_FILE in decided(world, made)[1]
