"""Before what a human approved is tried, the platform is asked whether it still is what was judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import making
from bot.attribution import Index
from bot.domain.content import MediaRef, Post, RemoteUrl, Role, Sighting
from bot.domain.decisions import (
    Allow,
    BanAccount,
    MarkSensitive,
    PurgeFile,
    Remove,
    Report,
    Verdict,
    Verification,
)
from bot.domain.errors import UnreachableError
from bot.ledger import open_ledger
from bot.pipeline import Recheck
from bot.ports import Batch, Gone, Instance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.content import Alias, Name, SubjectKey, Upload
    from bot.domain.decisions import Intent

SHA, OTHER = "ab" * 32, "cd" * 32
ALIAS, SECOND = making.alias(), making.alias("b.png")
REMOTE = RemoteUrl(value="https://far.example/p.png")


class World:
    """A server that shows, stores and names what a test says, and a ledger that judged one file."""

    def __init__(self) -> None:
        self.ledger = open_ledger("sqlite://", clock=making.StillClock())
        self.shown: list[Sighting] = [making.sighting()]
        self.answer: Batch | Gone | None = None
        self.stored: dict[Name, str | None] = {ALIAS: SHA}
        self.uploads: dict[Name, Upload] = {}
        self.deaf = False
        self.verified = Verification(so=False, detail="couldnt_find_post")
        instance = Instance(
            id=making.HERE, platform="lemmy", sources=[self], resolver=self, enforcer=self, inspector=None, hosts=()
        )  # type: ignore[arg-type]
        index = Index(self.ledger, {making.HERE: self})  # type: ignore[dict-item]
        self.recheck = Recheck(self.ledger, index, {making.HERE: instance})
        self.seen(making.sighting(), SHA)

    def seen(self, sighting: Sighting, sha256: str) -> int:
        self.ledger.record("", Batch(sightings=[sighting]), examine_uploads=False)
        return self.ledger.bind(sighting.name, sha256)

    def about(self, intent: Intent) -> str | None:
        """Why it is not to be done any more."""
        file = self.ledger.file_by_sha256(SHA)
        assert file is not None
        case = self.ledger.open_case(file.id).number
        verdict = Verdict(rule_id="known", rule_digest="d", because=making.EXACT, intents=())
        self.ledger.add_verdict(case, file.id, verdict, [(intent, Allow())])
        return self.recheck(self.ledger.intents()[-1])

    def read(self, key: SubjectKey) -> Batch | Gone:
        if self.deaf:
            raise UnreachableError("no answer", sent=False)
        return self.answer or Batch(sightings=self.shown)

    def verify(self, intent: Intent) -> Verification:
        return self.verified

    def digest(self, name: Name) -> str | None:
        return self.stored.get(name)

    def named(self, url: str) -> Name:
        return RemoteUrl(value=url)

    def lists_all_uploads(self):
        return True

    def names(self, name: Name) -> list[Name]:
        return []

    def uploader(self, name: Name) -> Upload | None:
        return self.uploads.get(name)

    def address(self, name: Alias) -> str:
        return making.address(name)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.ledger.close()


POST = making.post()
REMOVE = Remove(instance=making.HERE, subject=POST, text="t")
MARK = MarkSensitive(instance=making.HERE, subject=POST, text="t")
REPORT = Report(instance=making.HERE, subject=POST, text="t")
PURGE = PurgeFile(instance=making.HERE, name=ALIAS, url=making.address(ALIAS))
BAN = BanAccount(instance=making.HERE, account=making.account())


def remote(url: str, subject: Post = POST) -> Sighting:
    """A picture on another server, shown in a post of ours."""
    media = MediaRef(url=url, role=Role.ATTACHMENT)
    return Sighting(subject=subject, media=media, name=RemoteUrl(value=url), seen_at=making.NOW)


def test_what_is_as_it_was_is_done(world: World) -> None:
    assert [world.about(intent) for intent in (REPORT, REMOVE, PURGE, BAN)] == [None] * 4


def test_another_title_is_no_reason(world: World) -> None:
    world.shown = [making.sighting(replace(POST, revision="r2"))]
    assert world.about(REMOVE) is None


@pytest.mark.parametrize("intent", [REPORT, REMOVE], ids=lambda intent: intent.kind)
def test_gone_deleted_and_edited_away(world: World, intent: Intent) -> None:
    world.answer = Gone(detail="couldnt_find_post")
    assert world.about(intent) == "the post is gone"
    world.answer = Batch(sightings=world.shown, withdrawn=True)
    assert world.about(intent) == "its author has deleted the post"
    world.answer = Batch()
    assert world.about(intent) == "the post no longer shows that file"
    world.answer = Batch(sightings=[making.sighting(name=SECOND)])
    assert world.about(intent) == "the post no longer shows that file"


@pytest.mark.parametrize(
    ("intent", "verified", "gone"),
    [
        (REMOVE, Verification(so=True, state={"removed": True}), True),
        (REMOVE, Verification(so=False, detail="couldnt_find_post"), True),
        (REMOVE, Verification(so=False, state={"removed": False}), False),
        (REMOVE, Verification(so=None), False),
        (MARK, Verification(so=False, detail="the post is gone"), True),
        (MARK, Verification(so=False, state={"sensitive": False}), False),
        (MARK, Verification(so=True, state={"sensitive": True}), False),
        (REPORT, Verification(so=False, state={"removed": False}), True),
    ],
)
def test_what_is_hidden_with_its_account_is_not_gone(
    world: World, intent: Intent, verified: Verification, gone: bool
) -> None:
    world.answer, world.verified = Gone(detail="not found"), verified
    assert world.about(intent) == ("the post is gone" if gone else None)


def test_file_elsewhere_on_the_page_is_not_in_the_post(world: World) -> None:
    world.shown = [making.sighting(making.post(2))]
    assert world.about(REMOVE) == "the post no longer shows that file"


def test_same_bytes_under_a_new_name_are_still_shown(world: World) -> None:
    """Lemmy makes a thumbnail anew, and pict-rs knows that the bytes are the same."""
    world.shown = [making.sighting(name=SECOND)]
    world.stored[SECOND] = SHA
    assert world.about(REMOVE) is None


def test_same_picture_in_another_file_of_the_case_is_still_shown(world: World) -> None:
    twin = world.seen(making.sighting(making.post(3), SECOND), OTHER)
    for file in (world.ledger.file_by_sha256(SHA), world.ledger.file_by_sha256(OTHER)):
        assert file is not None
        world.ledger.save_scan(file.id, replace(making.evidence(), sha256=file.sha256 or "", pixels="11" * 32))
        world.ledger.open_case(file.id)
    world.shown = [making.sighting(name=SECOND)]
    world.stored[SECOND] = OTHER
    assert world.ledger.case(1).files == (1, twin)  # type: ignore[union-attr]
    assert world.about(REMOVE) is None


def test_other_bytes_under_the_name(world: World) -> None:
    world.stored[ALIAS] = OTHER
    words = "the file under that name has other bytes now"
    assert (world.about(REMOVE), world.about(PURGE)) == (words, words)


def test_remote_picture_that_was_seen_with_other_bytes_since(world: World) -> None:
    seen = remote(REMOTE.value)
    world.seen(seen, SHA)
    world.shown = [seen]
    assert world.about(REMOVE) is None
    world.ledger.bind(REMOTE, OTHER)
    assert world.about(REMOVE) == "the post no longer shows that file"
    world.ledger.bind(ALIAS, OTHER)
    assert world.about(REMOVE) == "the file under that name has other bytes now"


def test_a_digest_that_nobody_tells_is_no_reason(world: World) -> None:
    world.stored.clear()
    assert (world.about(REMOVE), world.about(PURGE)) == (None, None)


def test_thumbnail_goes_with_its_picture_and_has_bytes_of_its_own(world: World) -> None:
    thumbnail = making.sighting(name=SECOND, role=Role.THUMBNAIL)
    world.seen(thumbnail, OTHER)
    purge = PurgeFile(instance=making.HERE, name=SECOND, url=making.address(SECOND))
    world.stored[SECOND] = OTHER
    assert world.about(purge) is None
    world.stored[SECOND] = "ef" * 32
    assert world.about(purge) == "the file under that name has other bytes now"


def test_another_account_turned_out_to_be_the_uploader(world: World) -> None:
    world.uploads[ALIAS] = making.upload(uploader=making.account("mallory"))
    assert world.about(BAN) == "the account is not the uploader any more"
    mallory = BanAccount(instance=making.HERE, account=making.account("mallory"))
    assert world.about(mallory) is None


def test_a_ban_does_not_ask_whether_the_picture_is_still_shown(world: World) -> None:
    world.uploads[ALIAS] = making.upload()
    world.answer = Gone(detail="couldnt_find_post")
    world.stored.clear()
    assert world.about(BAN) is None


def test_a_server_that_cannot_be_asked_is_said_so(world: World) -> None:
    world.deaf = True
    with pytest.raises(UnreachableError):
        world.about(REMOVE)


def test_what_an_account_has_stored_for_certain_is_not_asked_for_again(world: World) -> None:
    """In a flood a file has thousands of names, and each ban would ask for all of them."""
    world.ledger.add_upload(making.upload(uploader=making.account("alice")))
    world.deaf = True
    assert world.about(BAN) is None
