"""What every platform of the registry promises. A new one is tested by being there."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from lemmy_town import NewTown, Town
from mastodon_reading import connect
from mastodon_square import Square

from adapters.registry import PLATFORMS
from adapters.sandbox.lemmy import LemmySandbox
from adapters.sandbox.mastodon import MastodonSandbox
from bot.attribution.origin import attribute
from bot.domain.content import RemoteUrl, SubjectKey
from bot.domain.decisions import (
    AlreadyDone,
    BanAccount,
    Done,
    Limit,
    LimitAccount,
    MarkSensitive,
    PurgeFile,
    Refused,
    Remove,
    Report,
)
from bot.domain.evidence import How
from bot.ports import Batch, Gone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.content import Sighting
    from bot.domain.decisions import Intent
    from bot.ports import Instance


@contextmanager
def lemmy() -> Iterator[tuple[Instance, SubjectKey]]:
    with LemmySandbox(purge_delay=0.0) as box:
        town = Town(box)
        instance = town.connect()
        number = town.post(url=town.url(town.upload()))
        yield instance, SubjectKey(instance=instance.id, kind="post", local_id=str(number))
        town.close()


@contextmanager
def lemmy_1_0() -> Iterator[tuple[Instance, SubjectKey]]:
    with LemmySandbox(version="1.0", purge_delay=0.0) as box:
        town = NewTown(box)
        instance = town.connect()
        number = town.post(url=town.url(town.upload()))
        yield instance, SubjectKey(instance=instance.id, kind="post", local_id=str(number))
        town.close()


@contextmanager
def mastodon() -> Iterator[tuple[Instance, SubjectKey]]:
    with MastodonSandbox() as box:
        square = Square(box)
        reading = connect(square, removal={"web": square.web()})
        status = square.status()
        yield reading.instance, SubjectKey(instance=reading.instance.id, kind="post", local_id=status["id"])
        square.close()


WORLDS = {"lemmy": lemmy, "lemmy-1.0": lemmy_1_0, "mastodon": mastodon}
"""A platform, or a version of one that speaks another API."""

OFFERED = {
    "lemmy": {Report, Remove, PurgeFile, BanAccount},
    "mastodon": {Report, MarkSensitive, Remove, LimitAccount, BanAccount},
}
"""What the sandbox of each platform can do to a post, its file and its author."""


@pytest.fixture(params=sorted(WORLDS))
def world(request: pytest.FixtureRequest) -> Iterator[tuple[Instance, SubjectKey]]:
    with WORLDS[request.param]() as built:
        yield built


def shown(instance: Instance, key: SubjectKey) -> Sighting:
    batch = instance.sources[0].read(key)
    assert isinstance(batch, Batch)
    return next(s for s in batch.sightings if s.subject.key == key and not isinstance(s.name, RemoteUrl))


def intents(instance: Instance, key: SubjectKey) -> list[Intent]:
    seen = shown(instance, key)
    author, subject = seen.subject.author, seen.subject
    assert author is not None
    text = "Automated check"
    return [
        Report(instance=instance.id, subject=subject, text=text),
        MarkSensitive(instance=instance.id, subject=subject, text=text),
        Remove(instance=instance.id, subject=subject, text=text),
        PurgeFile(instance=instance.id, name=seen.name, url=seen.media.url),
        LimitAccount(instance=instance.id, account=author, how=Limit.SILENCE, text=text),
        BanAccount(instance=instance.id, account=author, text=text),
    ]


def test_platforms_are_in_alphabetical_order() -> None:
    assert list(PLATFORMS) == sorted(PLATFORMS)
    assert {world.partition("-")[0] for world in WORLDS} == set(OFFERED) == set(PLATFORMS)


@pytest.mark.parametrize("name", sorted(PLATFORMS))
def test_settings_refuse_unknown_keys_and_do_not_show_secrets(name: str) -> None:
    model = PLATFORMS[name].settings
    assert model.model_config["extra"] == "forbid"
    with pytest.raises(ValueError, match="nonsense"):
        model.model_validate({"nonsense": 1})


def test_sources_have_names_of_their_own(world: tuple[Instance, SubjectKey]) -> None:
    instance, _ = world
    names = [source.name for source in instance.sources]
    assert len(set(names)) == len(names)
    assert all(name.startswith(f"{instance.id}/") for name in names)


def test_polling_twice_from_one_cursor_brings_the_same(world: tuple[Instance, SubjectKey]) -> None:
    instance, _ = world
    for source in instance.sources:
        first = source.poll(None)
        cursor: Any = json.loads(json.dumps(first.cursor))
        one, other = source.poll(cursor), source.poll(cursor)
        assert [s.media for s in one.sightings] == [s.media for s in other.sightings]
        assert [u.name for u in one.uploads] == [u.name for u in other.uploads]
        assert all(s.seen_at.tzinfo is not None for s in one.sightings)


def test_what_is_not_there_is_gone(world: tuple[Instance, SubjectKey]) -> None:
    instance, key = world
    missing = SubjectKey(instance=instance.id, kind=key.kind, local_id="999999")
    assert isinstance(instance.sources[0].read(missing), Gone)


def test_every_deed_is_done_once_verified_and_undone_if_it_can_be(world: tuple[Instance, SubjectKey]) -> None:
    instance, key = world
    offered, final = OFFERED[instance.platform], PLATFORMS[instance.platform].irreversible
    wanted = [intent for intent in intents(instance, key) if type(intent) in offered]
    assert len(wanted) == len(offered)
    undoable = [intent for intent in wanted if intent.kind not in final]
    before = {intent: done_once(instance, intent, reversible=True) for intent in undoable}
    for intent in reversed(undoable):
        by_hand = instance.enforcer.offers(intent).by_hand
        outcome = instance.enforcer.revert(intent, before[intent])
        assert isinstance(outcome, Refused if by_hand else Done | AlreadyDone)
    for intent in wanted:
        if intent.kind in final:
            state = done_once(instance, intent, reversible=False)
            assert isinstance(instance.enforcer.revert(intent, state), Refused)


def done_once(instance: Instance, intent: Intent, *, reversible: bool) -> Any:
    """Do it and see that it is done; what was so before."""
    enforcer = instance.enforcer
    offer = enforcer.offers(intent)
    assert offer.supported, offer.why_not
    assert offer.route
    assert offer.reversible is reversible
    before = enforcer.verify(intent)
    assert before.so is False
    assert isinstance(enforcer.apply(intent), Done)
    after = enforcer.verify(intent)
    assert after.so
    assert after.by_us in {True, None}
    assert isinstance(enforcer.apply(intent), AlreadyDone)
    return json.loads(json.dumps(dict(before.state)))


def test_what_is_not_offered_is_refused_with_a_reason(world: tuple[Instance, SubjectKey]) -> None:
    instance, key = world
    for intent in intents(instance, key):
        if type(intent) in OFFERED[instance.platform]:
            continue
        offer = instance.enforcer.offers(intent)
        assert not offer.supported
        assert offer.why_not
        assert isinstance(instance.enforcer.apply(intent), Refused)


def test_admins_are_staff_and_who_just_posts_is_not(world: tuple[Instance, SubjectKey]) -> None:
    instance, key = world
    author = shown(instance, key).subject.author
    assert author is not None
    staff = instance.resolver.staff()
    assert staff
    assert author.local_id not in staff


def test_names_have_addresses_and_are_located_and_lead_to_who_uploaded(world: tuple[Instance, SubjectKey]) -> None:
    instance, key = world
    seen = shown(instance, key)
    assert instance.resolver.locate(seen.media.url) == seen.name
    assert instance.resolver.locate(instance.resolver.address(seen.name)) == seen.name
    assert instance.resolver.named(seen.media.url) == seen.name
    upload = instance.resolver.uploader(seen.name)
    known = attribute(seen.name, uploads=() if upload is None else (upload,), sightings=[seen])
    assert known.uploader == seen.subject.author
    assert known.how in {How.LISTED, How.ATTACHED}


@pytest.mark.parametrize("url", ["https://far.example/pictrs/image/a.png", "", "no address", "https://[", "data:,"])
def test_what_lies_elsewhere_keeps_its_address_for_a_name(world: tuple[Instance, SubjectKey], url: str) -> None:
    instance, _ = world
    assert instance.resolver.named(url) == RemoteUrl(value=url)


def test_check_never_raises(world: tuple[Instance, SubjectKey]) -> None:
    instance, _ = world
    for result in instance.inspector.check():
        assert result.ok or result.remedy
