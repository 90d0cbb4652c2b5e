"""Uploads on a Lemmy 1.0: the server names few of their uploaders, and lets banned accounts go on."""

from __future__ import annotations

import io
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from lemmy_town import MAIN, NewTown
from PIL import Image

from adapters.sandbox.lemmy import LemmySandbox, respond
from bot.domain.content import Alias
from bot.domain.decisions import (
    AlreadyDone,
    BanAccount,
    Done,
    Refused,
    Remove,
    Report,
    Scope,
    SetSwitch,
    Switch,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.ports import Batch, Instance


@pytest.fixture
def town() -> Iterator[NewTown]:
    with LemmySandbox(version="1.0", purge_delay=0.0) as box:
        built = NewTown(box)
        yield built
        built.close()


def polled(instance: Instance, word: str, after: Any = None) -> Batch:
    return next(one for one in instance.sources if one.name.endswith(f"/{word}")).poll(after)


def test_upload_of_a_banned_account_that_nobody_posts_is_found_and_still_has_its_uploader(town: NewTown) -> None:
    instance = town.connect()
    begun = polled(instance, "files").cursor
    alice = town.box.people["alice"].id
    town.call("admin", "POST", "admin/ban", person_id=alice, ban=True, reason="x")
    alias = Alias(instance=MAIN, value=town.upload("alice"))
    town.clock.offset = timedelta(minutes=10)
    found = {file.name: file for file in polled(instance, "files", begun).files}
    assert found[alias].url == town.url(alias.value)
    assert not found[alias].backlog
    upload = instance.resolver.uploader(alias)
    assert upload is not None
    assert upload.uploader.local_id == str(alice)
    assert instance.resolver.digest(alias) == found[alias].sha256


def test_bot_that_is_banned_is_let_in_and_says_that_it_can_do_nothing(town: NewTown) -> None:
    instance, me = town.connect(), town.box.people["warden"].id
    town.call("admin", "POST", "admin/ban", person_id=me, ban=True, reason="x")
    for lines in (instance.inspector.check(), instance.account.look(mend=False)):
        (told,) = (line for line in lines if line.what == "admin")
        assert (told.ok, told.detail) == (False, "warden is banned from this server")
        assert "unban warden" in told.remedy
    town.call("admin", "POST", "admin/ban", person_id=me, ban=False, reason="x")
    time.sleep(1.1)
    assert all(line.ok for line in instance.inspector.check() if line.what == "admin")


def test_uploader_that_the_server_does_not_name_is_nobody(town: NewTown) -> None:
    aliases = {town.upload("alice", small()) for _ in range(51)}
    instance = town.connect()
    first = polled(instance, "uploads")
    assert len(first.uploads) == 50
    assert first.more
    second = polled(instance, "uploads", first.cursor)
    assert [hole for hole in second.holes if "fault of the server" in hole]
    assert not second.more
    assert polled(instance, "uploads", second.cursor).holes == []
    told = [instance.resolver.uploader(Alias(instance=MAIN, value=alias)) for alias in sorted(aliases)]
    assert sum(upload is None for upload in told) == 1
    (line,) = (one for one in instance.inspector.check() if one.what == "uploaders")
    assert line.ok
    assert "a fault of this Lemmy" in line.detail


def test_post_that_the_server_denied_once_is_asked_for_again_and_a_comment_is_not(town: NewTown) -> None:
    instance = town.connect()
    post = town.post()
    for word, path, numbers in (
        ("posts", "post", [town.post() for _ in range(2)]),
        ("comments", "comment", [town.comment(post, "text") for _ in range(2)]),
    ):
        town.box.faults.before("GET", rf"/{path}\?id={numbers[0]}$", respond(404, '{"error":"not_found"}'), times=9)
        cursor = {**(polled(instance, word).cursor or {})}
        cursor["gaps"] = [{"since": "2026-01-01T00:00:00+00:00", "numbers": [[numbers[0], numbers[0]]]}]
        after = polled(instance, word, cursor).cursor or {}
        assert after["gaps"] == []
        assert [one["number"] for one in after.get("denied", [])] == [numbers[0]] * (word == "posts")


def test_comment_is_reported_removed_and_both_are_taken_back(town: NewTown) -> None:
    instance = town.connect()
    picture = town.url(town.upload())
    number = town.comment(town.post(), f"![a picture]({picture})")
    comment = town.subject(instance, "comment", number)
    for deed in (
        Report(instance=MAIN, subject=comment, text="Automated check"),
        Remove(instance=MAIN, subject=comment, text=""),
    ):
        before = instance.enforcer.verify(deed)
        assert before.so is False
        assert isinstance(instance.enforcer.apply(deed), Done)
        after = instance.enforcer.verify(deed)
        assert (after.so, after.by_us) == (True, True)
        assert isinstance(instance.enforcer.apply(deed), AlreadyDone | Refused)
        if isinstance(deed, Remove):
            assert isinstance(instance.enforcer.revert(deed, before.state), Done)
            assert instance.enforcer.verify(deed).so is False
        else:
            assert isinstance(instance.enforcer.revert(deed, before.state), Done)
            assert isinstance(instance.enforcer.reopen(deed), Done)


def test_ban_from_a_community_ends_as_it_began(town: NewTown) -> None:
    instance = town.connect()
    author = town.subject(instance, "post", town.post(url=town.url(town.upload()))).author
    assert author is not None
    ban = BanAccount(
        instance=MAIN, account=author, scope=Scope.COMMUNITY, community_id=str(town.community), days=3, text="x"
    )
    before = instance.enforcer.verify(ban)
    assert before.so is False
    assert isinstance(instance.enforcer.apply(ban), Done)
    after = instance.enforcer.verify(ban)
    assert (after.so, after.by_us) == (True, True)
    assert isinstance(instance.enforcer.revert(ban, before.state), Done)
    assert instance.enforcer.verify(ban).so is False


def test_registration_and_uploads_are_switched_and_back(town: NewTown) -> None:
    enforcer = town.connect().enforcer
    for turn in (
        SetSwitch(instance=MAIN, switch=Switch.REGISTRATION, value="closed"),
        SetSwitch(instance=MAIN, switch=Switch.UPLOADS, value="off"),
    ):
        before = enforcer.verify(turn)
        assert before.so is False
        assert isinstance(enforcer.apply(turn), Done)
        assert enforcer.verify(turn).so
        if turn.switch is Switch.UPLOADS:
            refused = town.client("alice").post("/api/v4/image", files={"images[]": ("p.jpeg", small(), "image/jpeg")})
            assert refused.json()["error"] == "image_upload_disabled"
        assert isinstance(enforcer.revert(turn, before.state), Done)
        assert enforcer.verify(turn).so is False


def test_switch_on_a_busy_server_that_still_tells_the_old_settings_is_verified(town: NewTown) -> None:
    enforcer, visitor, done = town.connect().enforcer, town.client("alice"), threading.Event()

    def visit() -> None:
        while not done.wait(0.05):
            visitor.get("/api/v4/site")

    time.sleep(1.05)
    for path, seconds in (("account", 0.7), ("site", 0.4), ("account", 0.0)):  # kept apart from what it is built from
        visitor.get(f"/api/v4/{path}")
        time.sleep(seconds)
    visits = threading.Thread(target=visit)
    visits.start()
    try:
        turn = SetSwitch(instance=MAIN, switch=Switch.UPLOADS, value="off")
        assert isinstance(enforcer.apply(turn), Done)
        assert enforcer.verify(turn).so
    finally:
        done.set()
        visits.join()


def small() -> bytes:
    """As little work for the server as a picture can be."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(buffer, "JPEG")
    return buffer.getvalue()


def test_another_server_is_blocked_and_listened_to_again(town: NewTown) -> None:
    enforcer = town.connect().enforcer
    turn = SetSwitch(instance=MAIN, switch=Switch.FEDERATION, value="off", host="far.example")
    before = enforcer.verify(turn)
    assert before.so is False
    assert isinstance(enforcer.apply(turn), Done)
    assert enforcer.verify(turn).so
    assert isinstance(enforcer.apply(turn), AlreadyDone)
    assert isinstance(enforcer.revert(turn, before.state), Done)
    assert enforcer.verify(turn).so is False
    chosen = {"instance": "near.example", "allow": True, "reason": "x"}
    town.call("admin", "POST", "admin/instance/allow", **chosen)
    refused = enforcer.apply(turn)
    assert isinstance(refused, Refused)
    assert "take the other server off that list" in refused.note


def test_blocks_of_whole_servers_are_told_and_lifted(town: NewTown) -> None:
    instance = town.connect()
    post = town.box.federate_post()
    far = town.box.state.communities[town.box.state.posts[post].community_id].instance_id
    for kind in ("communities", "persons"):
        town.call("warden", "POST", f"account/block/instance/{kind}", instance_id=far, block=True)
    (told,) = (line for line in instance.inspector.check() if line.what == "blocks")
    assert (told.ok, "instance_communities_blocks, instance_persons_blocks" in told.detail) == (False, True)
    instance.inspector.repair()
    assert all(line.ok for line in instance.inspector.check() if line.what == "blocks")
