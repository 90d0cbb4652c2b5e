"""A purged file comes back: by the image proxy, and by people. On a real (small) server, with a real ledger."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from lemmy_town import MAIN, Town, picture
from starlette.responses import Response

import making
from adapters.lemmy import uploads
from adapters.pictrs.client import PictrsClient
from adapters.sandbox.lemmy import LemmySandbox
from adapters.sandbox.serving import LoopbackServer
from bot.attribution import Index
from bot.domain.content import Alias, Role, StoredFile, SubjectKey
from bot.domain.decisions import BanAccount, HoldReason, IntentState, PurgeFile, Remove, Report
from bot.domain.evidence import How
from bot.enforce import Enforcement
from bot.operate.returned import in_words, returned
from bot.operate.who import who
from bot.pipeline import Pipeline, Strangers, follow_up, remember_confirmed
from bot.ports import Batch, Fetched, Lane, TaskKind
from pipeline import test_examine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.types import Receive, Scope, Send

    from bot.ports import IntentRecord

LIST = "confirmed"


class House(test_examine.World):
    """The pipeline of other tests, over a sandbox server."""

    def __init__(self, town: Town, *then: str) -> None:
        super().__init__()
        self.town = town
        self.instance = town.connect()
        self.listed = set()
        index = Index(self.ledger, {MAIN: self.instance.resolver})
        strangers = Strangers(self.ledger, index, self.clock)
        self.acting = Enforcement(
            self.ledger,
            {MAIN: self.instance.enforcer},
            self.clock,
            confirmed=self.confirmed,
            strangers=strangers,
            unjudged=strangers.unjudged,
            gone_with=strangers.gone_with,
        )
        self.pipeline = Pipeline(
            replace(
                self.pipeline._s,
                instances={MAIN: self.instance},
                index=index,
                enforcement=self.acting,
                judged=strangers.judged,
                rules=[making.rule(then=then)],
            )
        )
        self.runner = asyncio.Runner()

    def confirmed(self, record: IntentRecord) -> None:
        remember_confirmed(self.ledger, record, LIST)
        follow_up(self.ledger, self.clock, record)

    async def fetch(self, url: str) -> Fetched:
        answer = await asyncio.to_thread(httpx.get, url, trust_env=False)
        assert answer.status_code == 200, f"{url}: {answer.status_code}"
        return Fetched(url=url, final_url=url, data=answer.content, declared_type="image/png")

    def read(self, post: int) -> None:
        batch = self.instance.sources[0].read(SubjectKey(instance=MAIN, kind="post", local_id=str(post)))
        assert isinstance(batch, Batch)
        self.ledger.record("", batch, examine_uploads=False)

    def heard(self, alias: str) -> None:
        """As the feed of uploads tells it."""
        upload = self.instance.resolver.uploader(Alias(instance=MAIN, value=alias))
        assert upload is not None
        self.ledger.record("", Batch(uploads=[upload]), examine_uploads=True)

    def work(self) -> None:
        """All there is to do, until it takes minutes to come."""
        idle = 0
        while idle < 20:
            lease = self.ledger.acquire("tester", seconds=3600)
            assert lease is not None
            tasks = self.ledger.take(list(TaskKind), limit=5, lease_seconds=3600)
            for task in tasks:
                self.runner.run(self.pipeline.run(task, lease))
            idle = 0 if tasks else idle + 1
            if not tasks:
                self.clock.pass_(seconds=10)

    def all(self, kind: type) -> list[IntentRecord]:
        return list(self.ledger.intents(kind=kind.kind))  # type: ignore[attr-defined]

    def close(self) -> None:
        self.runner.close()
        self.ledger.close()


@pytest.fixture
def proxying() -> Iterator[Town]:
    with LemmySandbox(purge_delay=0.0, image_mode="ProxyAllImages") as box:
        built = Town(box)
        yield built
        built.close()


def open_house(town: Town, monkeypatch: pytest.MonkeyPatch, *then: str) -> House:
    monkeypatch.setattr(making, "StillClock", lambda: Moving(town))
    return House(town, *then)


class Moving:
    """The sandbox's time, which a test can move on."""

    def __init__(self, town: Town) -> None:
        self._clock = town.clock
        self.now = town.clock.now

    def pass_(self, seconds: float) -> None:
        self._clock.offset += timedelta(seconds=seconds)


def test_what_the_image_proxy_fetches_again_is_purged_again_until_that_proves_vain(
    proxying: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = proxying
    house = open_house(town, monkeypatch, "report", "purge_file")
    origin = town.box.remote_file(picture())
    post = town.post("alice", url=origin)
    shown = town.call("admin", "GET", "post", id=post)["post_view"]["post"]["url"]

    def view() -> None:
        """Somebody looks at the post."""
        answer = httpx.get(shown, trust_env=False)
        house.listed.add(hashlib.sha256(answer.content).hexdigest())

    def copy() -> str | None:
        return town.box.files.proxied(origin)

    view()
    first = copy()
    house.read(post)
    house.work()
    assert copy() is None, "the copy for the proxy is gone, and the bot's own looks have not brought it back"
    (purge,) = house.all(PurgeFile)
    assert isinstance(purge.intent, PurgeFile)
    assert (purge.intent.name.value, purge.intent.how, purge.state) == (first, How.PROXIED_FOR, IntentState.DONE)
    (case,) = house.ledger.cases()
    assert "not seen again" in in_words(returned(house.ledger, case.number))
    assert any(f"still named in main/post/{post}" in event.detail for event in house.ledger.timeline(case.number))

    for times in range(1, 5):
        view()
        assert copy() is not None
        house.pipeline._s.ledger.enqueue(TaskKind.REVISIT, f"main/post/{post}", Lane.REVISIT)
        house.work()
        assert returned(house.ledger, case.number).fetched == times
        assert (copy() is None) == (times <= 3)
    held = [one for one in house.all(PurgeFile) if one.state is IntentState.HELD]
    assert [tuple(one.reasons) for one in held] == [(HoldReason.RETURNS,)]
    assert "fetched again 4 times by the image proxy" in held[0].detail
    assert len(house.all(Report)) == 1, "the same post is not reported twice"
    assert len(town.call("admin", "GET", "post/report/list", post_id=post)["post_reports"]) == 1
    house.close()


def test_what_readers_are_shown_is_purged_though_the_address_in_the_post_shows_something_else(
    proxying: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.19 has only what stands before an ampersand fetched for them."""
    town = proxying
    house = open_house(town, monkeypatch, "purge_file")
    harmless, shown_to_readers = picture(), picture()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        content = harmless if b"&" in scope["query_string"] else shown_to_readers
        await Response(content, media_type="image/png")(scope, receive, send)

    far = LoopbackServer(serve)
    far.start()
    post = town.post("alice", url=f"{far.url}/x.png?a=1&b=2")
    shown = town.call("admin", "GET", "post", id=post)["post_view"]["post"]["url"]
    house.listed.add(hashlib.sha256(httpx.get(shown, trust_env=False).content).hexdigest())
    copies = [town.box.files.proxied(f"{far.url}/x.png?a=1{rest}") for rest in ("", "&b=2")]
    house.read(post)
    house.work()
    (purge,) = house.all(PurgeFile)
    assert isinstance(purge.intent, PurgeFile)
    assert (purge.intent.name.value, purge.state) == (copies[0], IntentState.DONE)
    left = [town.box.files.proxied(f"{far.url}/x.png?a=1{rest}") for rest in ("", "&b=2")]
    assert left == [None, copies[1]]
    house.close()
    far.stop()


def test_file_that_a_purged_address_shows_instead_is_not_taken_for_the_purged_one(
    proxying: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever owns the address has it give bytes that bob has stored here."""
    town = proxying
    house = open_house(town, monkeypatch, "purge_file", "ban_account")
    origin = town.box.remote_file(picture())
    post = town.post("alice", url=origin)
    shown = town.call("admin", "GET", "post", id=post)["post_view"]["post"]["url"]
    house.listed.add(hashlib.sha256(httpx.get(shown, trust_env=False).content).hexdigest())
    house.read(post)
    house.work()
    assert [one.state for one in house.all(PurgeFile)] == [IntentState.DONE]
    planned = {(one.intent.kind, one.intent.target) for one in house.ledger.intents()}
    bobs = town.box.files.file(town.upload("bob"))
    again = town.box.files.ingest_proxied(origin, bobs.data)
    assert again.identifier == bobs.identifier
    house.ledger.enqueue(TaskKind.REVISIT, f"main/post/{post}", Lane.REVISIT)
    house.work()
    copies = [Alias(instance=MAIN, value=one) for one in town.box.files.aliases_of(bobs)]
    records = [house.ledger.name(str(one)) for one in copies]
    (file_id,) = {record.file_id for record in records if record is not None}
    file = house.ledger.file(file_id)
    assert file is not None
    assert (file.sha256, file.case) == (hashlib.sha256(bobs.data).hexdigest(), None), "looked at, and found harmless"
    assert {(one.intent.kind, one.intent.target) for one in house.ledger.intents()} == planned
    house.close()


def test_what_people_upload_again_is_known_purged_and_counted(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "FRESH", -1.0)
    house = open_house(town, monkeypatch, "report", "remove", "purge_file")
    content = picture()
    alias = town.upload("alice", content)
    house.listed.add(hashlib.sha256(town.box.files.file(alias).data).hexdigest())
    post = town.post("alice", url=town.url(alias))
    house.read(post)
    house.work()
    house.heard(town.upload("bob", content))
    again = town.upload("carol", content)
    house.heard(again)
    second = town.post("carol", url=town.url(again))
    house.read(second)
    house.work()
    (case,) = house.ledger.cases()
    found = returned(house.ledger, case.number)
    assert (found.uploaded, found.fetched) == (2, 0)
    assert "came back 2 times since: 2 by uploads" in in_words(found)
    originals = [one for one in house.all(PurgeFile) if one.intent.how is How.LISTED]
    assert [one.state for one in originals] == [IntentState.DONE] * 3
    reported = {one.intent.subject.local_id for one in house.all(Report)}
    assert reported == {str(post), str(second)}
    for number in (post, second):
        assert len(town.call("admin", "GET", "post/report/list", post_id=number)["post_reports"]) == 1
    told = who(house.ledger, house.pipeline._s.index, {MAIN: house.instance}, again)
    assert told[0].returned.uploaded == 2
    house.close()


def test_upload_that_the_servers_list_does_not_reach_is_not_said_to_be_the_proxys(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Lemmy 1.0: pict-rs has it, nothing shows it, and nobody is listed for it."""
    house = open_house(town, monkeypatch, "purge_file")
    content = picture()
    alias = town.upload("alice", content)
    sha256 = hashlib.sha256(town.box.files.file(alias).data).hexdigest()
    house.listed.add(sha256)
    house.read(town.post("alice", url=town.url(alias)))
    house.work()
    monkeypatch.setattr("adapters.routing.RoutedResolver.uploader", lambda *_: None)
    again = Alias(instance=MAIN, value=town.upload("bob", content))
    file = StoredFile(name=again, url=town.url(again.value), sha256=sha256, stored_at=house.clock.now())
    house.ledger.record("", Batch(files=[file]), examine_uploads=True)
    house.work()
    (case,) = house.ledger.cases()
    found = returned(house.ledger, case.number)
    assert (found.uploaded, found.fetched, found.unknown) == (0, 0, 1)
    assert "came back once since: 1 in a way that is not known" in in_words(found)
    house.close()


def test_names_that_came_since_the_purge_was_planned_are_asked_about_first(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bob stored the same bytes meanwhile, and dave shows bob's."""
    monkeypatch.setattr(uploads, "FRESH", -1.0)
    house = open_house(town, monkeypatch, "purge_file")
    content = picture()
    alias = town.upload("alice", content)
    house.listed.add(hashlib.sha256(town.box.files.file(alias).data).hexdigest())
    house.read(town.post("alice", url=town.url(alias)))
    for task in house.ledger.take([TaskKind.EXAMINE], limit=5, lease_seconds=60):
        house.runner.run(house.pipeline.run(task, None))
    assert {one.state for one in house.all(PurgeFile)} == {IntentState.READY}
    other = town.upload("bob", content)
    innocent = town.post("dave", body=f"![look]({town.url(other)})")
    house.work()
    held = house.all(PurgeFile)
    assert {(one.state, tuple(one.reasons)) for one in held if one.intent.how is How.LISTED} == {
        (IntentState.HELD, (HoldReason.SHARED_FILE,))
    }
    assert f"main/post/{innocent}" in held[0].detail
    assert town.client("alice").get(f"/pictrs/image/{alias}").status_code == 200
    house.close()


def test_who_stored_the_file_in_the_moment_of_its_purge_is_dealt_with_like_the_others(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bob's name goes with the file before the bot has heard of it: nothing but the purge's own answer tells of him."""
    monkeypatch.setattr(uploads, "FRESH", -1.0)
    house = open_house(town, monkeypatch, "report", "remove", "purge_file", "ban_account")
    content = picture()
    alias = town.upload("alice", content)
    house.listed.add(hashlib.sha256(town.box.files.file(alias).data).hexdigest())
    house.read(town.post("alice", url=town.url(alias)))
    late: list[tuple[str, int]] = []
    real = PictrsClient.purge

    def purge(asking: PictrsClient, name: str) -> Sequence[str]:
        if name == alias:
            other = town.upload("bob", content)
            late.append((other, town.post("bob", url=town.url(other))))
        return real(asking, name)

    monkeypatch.setattr(PictrsClient, "purge", purge)
    house.work()
    ((other, post),) = late
    house.heard(other)
    house.read(post)
    house.work()
    reports = {one.intent.subject.local_id: one.state for one in house.all(Report)}  # type: ignore[union-attr]
    assert reports[str(post)] is IntentState.DONE
    assert house.instance.enforcer.verify(house.all(Remove)[-1].intent).so
    banned = {one.intent.account.handle.split("@")[0] for one in house.all(BanAccount)}  # type: ignore[union-attr]
    assert banned == {town.name("alice"), town.name("bob")}
    house.close()


def test_names_are_written_down_before_the_file_goes(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    house = open_house(town, monkeypatch, "purge_file")
    content = picture()
    names = [town.upload(person, content) for person in ("alice", "bob")]
    house.listed.add(hashlib.sha256(town.box.files.file(names[0]).data).hexdigest())
    path = town.box.files.file(names[0]).identifier
    for name in names:
        house.heard(name)
    house.work()
    done = [attempt for one in house.all(PurgeFile) for attempt in house.ledger.attempts(one.id)]
    assert sorted(done[0].before["names"]) == sorted(names)
    (case,) = house.ledger.cases()
    told = [event.detail for event in house.ledger.timeline(case.number) if event.what == "intent"]
    assert sum("(listed)" in line for line in told) == 2
    assert any(f"stored by {town.name('bob')}@" in line for line in told)
    (found,) = who(house.ledger, house.pipeline._s.index, {MAIN: house.instance}, f"/mnt/files/{path}")
    assert found.file.case == case.number, "its path is among its names, although pict-rs knows it no more"
    house.close()


def test_page_that_still_names_a_purged_file_is_told_of(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    house = open_house(town, monkeypatch, "purge_file")
    alias = town.upload("alice")
    house.listed.add(hashlib.sha256(town.box.files.file(alias).data).hexdigest())
    town.call("alice", "PUT", "user/save_user_settings", avatar=town.url(alias))
    key = SubjectKey(instance=MAIN, kind="profile", local_id=str(town.box.people["alice"].id))
    batch = house.instance.sources[0].read(key)
    assert isinstance(batch, Batch)
    assert [one.media.role for one in batch.sightings] == [Role.AVATAR]
    house.ledger.record("", batch, examine_uploads=False)
    house.work()
    (case,) = house.ledger.cases()
    details = [event.detail for event in house.ledger.timeline(case.number)]
    assert any(f"still named in {key}; what is named there is gone" in detail for detail in details)
    house.close()
