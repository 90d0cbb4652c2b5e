"""What every platform of the registry promises. A new one is tested by being there."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from lemmy_town import Town

from adapters.registry import PLATFORMS
from adapters.sandbox.lemmy import LemmySandbox
from bot.domain.content import Alias, RemoteUrl, SubjectKey
from bot.domain.decisions import AlreadyDone, BanAccount, Done, PurgeFile, Refused, Remove, Report
from bot.ports import Batch, Gone

if TYPE_CHECKING:
    from collections.abc import Iterator

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


WORLDS = {"lemmy": lemmy}


@pytest.fixture(params=sorted(PLATFORMS))
def world(request: pytest.FixtureRequest) -> Iterator[tuple[Instance, SubjectKey]]:
    with WORLDS[request.param]() as built:
        yield built


def intents(instance: Instance, key: SubjectKey) -> list[Intent]:
    batch = instance.sources[0].read(key)
    assert isinstance(batch, Batch)
    shown = next(s for s in batch.sightings if s.subject.key == key and not isinstance(s.name, RemoteUrl))
    author = shown.subject.author
    assert author is not None
    return [
        Report(instance=instance.id, subject=shown.subject, text="Automated check"),
        Remove(instance=instance.id, subject=shown.subject, text="Automated check"),
        PurgeFile(instance=instance.id, name=shown.name, url=shown.media.url),
        BanAccount(instance=instance.id, account=author, text="Automated check"),
    ]


def test_platforms_are_in_alphabetical_order() -> None:
    assert list(PLATFORMS) == sorted(PLATFORMS)
    assert set(WORLDS) == set(PLATFORMS)


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
    enforcer, wanted = instance.enforcer, intents(instance, key)
    for intent in wanted:
        offer = enforcer.offers(intent)
        assert offer.supported, offer.why_not
        assert offer.route
        assert offer.reversible is (intent.kind not in PLATFORMS[instance.platform].irreversible)
        before = enforcer.verify(intent)
        assert before.so is False
        json.dumps(dict(before.state))
        assert isinstance(enforcer.apply(intent), Done)
        after = enforcer.verify(intent)
        assert after.so
        assert after.by_us in {True, None}
        assert isinstance(enforcer.apply(intent), AlreadyDone)
    for intent in reversed(wanted):
        outcome = enforcer.revert(intent, {"removed": False, "banned": False})
        assert isinstance(outcome, Done | AlreadyDone if enforcer.offers(intent).reversible else Refused)


def test_names_have_addresses_and_are_located(world: tuple[Instance, SubjectKey]) -> None:
    instance, key = world
    (purge,) = [intent for intent in intents(instance, key) if isinstance(intent, PurgeFile)]
    assert isinstance(purge.name, Alias)
    address = instance.resolver.address(purge.name)
    assert instance.resolver.locate(address) == purge.name
    assert instance.resolver.uploader(purge.name) is not None


def test_check_never_raises(world: tuple[Instance, SubjectKey]) -> None:
    instance, _ = world
    for result in instance.inspector.check():
        assert result.ok or result.remedy
