"""Files are purged by pict-rs where its key is known, and by Lemmy's delete route where not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from lemmy_town import MAIN, picture

from adapters.sandbox.lemmy import drop, respond, truncate
from bot.domain.content import Alias, Post, RemoteUrl
from bot.domain.decisions import AlreadyDone, Done, Failed, PurgeFile, Refused, Report, Verification
from bot.domain.errors import NotLoggedInError, UnreachableError

if TYPE_CHECKING:
    from lemmy_town import Town

    from adapters.pictrs.enforcer import PictrsEnforcer
    from bot.ports import Enforcer, Instance


def purge(town: Town, alias: str) -> PurgeFile:
    return PurgeFile(instance=MAIN, name=Alias(instance=MAIN, value=alias), url=town.url(alias))


def settled(enforcer: Enforcer, intent: PurgeFile) -> Verification:
    for _ in range(50):
        found = enforcer.verify(intent)
        if found.so is not False:
            return found
        time.sleep(0.05)
    return found


def gone(town: Town, alias: str) -> bool:
    return town.client("alice").get(f"/pictrs/image/{alias}").status_code == 404


@pytest.fixture
def without_key(town: Town) -> Instance:
    return town.connect(pictrs=None)


def test_pictrs_takes_every_name(town: Town, instance: Instance) -> None:
    content = picture()
    one, other = town.upload("alice", content), town.upload("bob", content)
    intent = purge(town, one)
    offer = instance.enforcer.offers(intent)
    assert (offer.supported, offer.reversible, offer.route) == (True, False, "pict-rs internal API")
    assert instance.enforcer.verify(intent).so is False
    outcome = instance.enforcer.apply(intent)
    assert isinstance(outcome, Done)
    assert "2 names" in outcome.note
    assert settled(instance.enforcer, intent).so
    assert gone(town, one)
    assert gone(town, other)
    assert isinstance(instance.enforcer.apply(intent), AlreadyDone)
    assert isinstance(instance.enforcer.apply(purge(town, other)), AlreadyDone)
    assert isinstance(instance.enforcer.revert(intent, {}), Refused)


def test_lemmy_takes_one_name_and_says_so(town: Town, without_key: Instance) -> None:
    content = picture()
    one, other = town.upload("alice", content), town.upload("bob", content)
    intent = purge(town, one)
    offer = without_key.enforcer.offers(intent)
    assert offer.supported
    assert "other names of the same bytes stay" in offer.route
    assert without_key.enforcer.verify(intent).so is False
    outcome = without_key.enforcer.apply(intent)
    assert isinstance(outcome, Done)
    assert "this name only" in outcome.note
    assert settled(without_key.enforcer, intent).so
    assert gone(town, one)
    assert not gone(town, other)
    assert isinstance(without_key.enforcer.apply(intent), AlreadyDone)
    assert isinstance(without_key.enforcer.revert(intent, {}), Refused)


def test_lemmy_takes_thumbnails_too(town: Town, without_key: Instance) -> None:
    number = town.post(url=town.url(town.upload()))
    thumbnail = town.call("admin", "GET", "post", id=number)["post_view"]["post"]["thumbnail_url"]
    alias = thumbnail.rsplit("/", 1)[1]
    assert isinstance(without_key.enforcer.apply(purge(town, alias)), Done)
    assert settled(without_key.enforcer, purge(town, alias)).so


def test_file_that_lemmy_does_not_know_needs_pictrs(town: Town, without_key: Instance) -> None:
    import httpx

    files = {"images[]": ("p.png", picture(), "image/png")}
    alias = httpx.post(f"{town.box.pictrs_url}/image", files=files, trust_env=False).json()["files"][0]["file"]
    outcome = without_key.enforcer.apply(purge(town, alias))
    assert isinstance(outcome, Refused)
    assert "configure `pictrs`" in outcome.note
    assert isinstance(town.connect().enforcer.apply(purge(town, alias)), Done)


def test_files_of_others_are_not_offered(town: Town, instance: Instance, without_key: Instance) -> None:
    far = PurgeFile(instance=MAIN, name=RemoteUrl(value="https://x.example/a.png"), url="https://x.example/a.png")
    for one in (instance, without_key):
        assert not one.enforcer.offers(far).supported
        assert isinstance(one.enforcer.apply(far), Refused)


def test_wrong_key_waits_for_the_operator(town: Town) -> None:
    wrong = "wr0ng-key"
    instance = town.connect(pictrs={"url": town.box.pictrs_url, "api_key": wrong})
    alias = town.upload()
    outcome = instance.enforcer.apply(purge(town, alias))
    assert isinstance(outcome, Failed)
    assert not outcome.unknown
    assert outcome.retry_after
    assert "PICTRS__SERVER__API_KEY" in outcome.note
    assert wrong not in outcome.note
    with pytest.raises(NotLoggedInError):
        instance.enforcer.verify(purge(town, alias))
    with pytest.raises(NotLoggedInError):
        instance.resolver.names(Alias(instance=MAIN, value=alias))
    assert not gone(town, alias)


def test_pictrs_down(town: Town, instance: Instance) -> None:
    alias = town.upload()
    town.box.stop_pictrs()
    outcome = instance.enforcer.apply(purge(town, alias))
    assert isinstance(outcome, Failed)
    assert not outcome.unknown
    with pytest.raises(UnreachableError):
        instance.enforcer.verify(purge(town, alias))
    with pytest.raises(UnreachableError):
        instance.resolver.names(Alias(instance=MAIN, value=alias))
    town.box.start_pictrs()
    assert isinstance(instance.enforcer.apply(purge(town, alias)), Done)


@pytest.mark.parametrize(
    "action", [drop(), truncate(), respond(500, '{"msg":"x","code":"io-error"}'), respond(200, "[]")]
)
def test_answer_of_a_purge_is_lost(town: Town, instance: Instance, action: object) -> None:
    alias = town.upload()
    town.box.faults.after("POST", "/internal/purge", action)  # type: ignore[arg-type]
    outcome = instance.enforcer.apply(purge(town, alias))
    assert isinstance(outcome, Failed)
    assert outcome.unknown
    assert settled(instance.enforcer, purge(town, alias)).so


def test_gone_is_what_the_public_does_not_get(town: Town, instance: Instance) -> None:
    alias = town.upload()
    instance.enforcer.apply(purge(town, alias))
    assert settled(instance.enforcer, purge(town, alias)).so
    town.box.faults.before("GET", f"/pictrs/image/{alias}", respond(200, b"x", "image/png"), times=1)
    assert instance.enforcer.verify(purge(town, alias)).so is False
    town.box.faults.before("GET", f"/pictrs/image/{alias}", respond(403, b"", "text/html"), times=1)
    assert instance.enforcer.verify(purge(town, alias)).so is None


def test_pictrs_does_nothing_else(town: Town) -> None:
    files: PictrsEnforcer = town.connect().enforcer._files  # type: ignore[attr-defined]
    report = Report(instance=MAIN, subject=Post(instance=MAIN, local_id="1", uri="x", url="x"), text="x")
    assert not files.offers(report).supported
    assert isinstance(files.apply(report), Refused)
    assert files.verify(report).so is None
    assert isinstance(files.reopen(report), Refused)
