"""How the bot treats a server: below its limits, deeds before looking, one client for everything."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from lemmy_town import MAIN

from adapters.buckets import Buckets, _foremost
from adapters.http import Transport
from bot.domain.content import Alias, SubjectKey
from bot.domain.decisions import BanAccount, Remove, Report
from bot.ports import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lemmy_town import Town

    from bot.domain.content import Subject
    from bot.ports import Instance


class Ear:
    """Hears every call that is made, and how it asked for its turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.turns: list[tuple[str, bool, bool]] = []  # limiter, urgent, before all
        self.unlimited: list[str] = []
        self.refusals = 0
        take, call, drain = Buckets.take, Transport.call, Buckets.drain

        def heard_take(buckets: Buckets, name: str, *, urgent: bool = False, patient: bool = True) -> None:
            self.turns.append((name, urgent, _foremost.get()))
            take(buckets, name, urgent=urgent, patient=patient)

        def heard_call(transport: Transport, method: str, path: str, **more: object) -> object:
            if more.get("limiter") is None and "/api/" in path:
                self.unlimited.append(f"{method} {path}")
            return call(transport, method, path, **more)  # type: ignore[arg-type]

        def heard_drain(buckets: Buckets, name: str) -> float:
            self.refusals += 1
            return drain(buckets, name)

        monkeypatch.setattr(Buckets, "take", heard_take)
        monkeypatch.setattr(Transport, "call", heard_call)
        monkeypatch.setattr(Buckets, "drain", heard_drain)

    def new(self) -> list[tuple[str, bool, bool]]:
        """What was heard since the last time."""
        heard, self.turns = self.turns, []
        return heard


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Ear:
    return Ear(monkeypatch)


def posted(town: Town, instance: Instance) -> Subject:
    number = str(town.post(url=f"{town.box.url}/pictrs/image/{town.upload()}"))
    found = instance.sources[0].read(SubjectKey(instance=MAIN, kind="post", local_id=number))
    assert isinstance(found, Batch)
    return found.sightings[0].subject


def test_deeds_go_before_looking_and_bans_before_all(town: Town, instance: Instance, ear: Ear) -> None:
    subject = posted(town, instance)
    for source in instance.sources:
        source.poll(source.poll(None).cursor)
    looking = ear.new()
    assert looking
    assert all(not urgent and not before_all for name, urgent, before_all in looking if name == "message")

    for intent in (Report(instance=MAIN, subject=subject, text="x"), Remove(instance=MAIN, subject=subject, text="x")):
        instance.enforcer.apply(intent)
        instance.enforcer.verify(intent)
        deeds = ear.new()
        assert deeds
        assert all(urgent and not before_all for _, urgent, before_all in deeds)
    assert subject.author is not None
    ban = BanAccount(instance=MAIN, account=subject.author, text="x")
    instance.enforcer.apply(ban)
    instance.enforcer.verify(ban)
    bans = ear.new()
    assert bans
    assert all(urgent and before_all for _, urgent, before_all in bans)
    assert not ear.unlimited


def test_a_server_with_narrow_limits_never_has_to_refuse_a_call(town: Town, ear: Ear) -> None:
    """However many threads call: its limits are asked for before they are met."""
    box = town.box
    with box._state.lock:
        limits: Mapping[str, int] = {"message": 100, "message_per_second": 10, "search": 12, "search_per_second": 4}
        for name, value in limits.items():
            setattr(box._state.rate_limits, name, value)
    instance = town.connect()
    subject = posted(town, instance)
    feeds = instance.sources[:3]
    cursors = {source.name: source.poll(None).cursor for source in feeds}
    name = Alias(instance=MAIN, value="nobody-has-this.png")
    troubles: list[Exception] = []

    def many(times: int, what: object) -> None:
        try:
            for _ in range(times):
                what()  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001 - it is what the test is about
            troubles.append(error)

    hands = [
        *(threading.Thread(target=many, args=(14, lambda s=s: s.poll(cursors[s.name]))) for s in feeds),
        threading.Thread(
            target=many, args=(12, lambda: instance.enforcer.verify(Remove(instance=MAIN, subject=subject, text="x")))
        ),
        threading.Thread(target=many, args=(4, lambda: instance.resolver.uses(name))),
    ]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(120)
    assert len(ear.turns) > 100
    assert ear.refusals == 0
    assert not [error for error in troubles if "our own share" not in str(error)]
