"""Between a scan and a deed a post may have been edited, deleted or hidden: what the recheck is told then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lemmy_town import picture
from mastodon_reading import connect
from mastodon_square import both, mark, remove, report, suspend

import making
from bot.attribution import Index
from bot.domain.content import InstanceId, Post, SubjectKey
from bot.domain.decisions import Allow, BanAccount, Remove, Report, Verdict
from bot.pipeline import Recheck
from bot.ports import Batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from mastodon_square import Square

    from bot.domain.content import Sighting
    from bot.domain.decisions import Intent

MAIN = InstanceId("main")
SHA = "ab" * 32


def judged(square: Square, status: dict[str, Any]) -> tuple[Sighting, Callable[[Intent], str | None]]:
    """A post whose first picture was flagged, and the question whether a deed still fits."""
    reading = connect(square)
    ledger, instances = reading.inbox, {MAIN: reading.instance}
    found = reading.source("local").read(SubjectKey(instance=MAIN, kind="post", local_id=status["id"]))
    assert isinstance(found, Batch)
    shown = next(one for one in found.sightings if one.subject.kind == "post")
    ledger.record("", Batch(sightings=[shown]), examine_uploads=False)
    file_id = ledger.bind(shown.name, SHA)
    recheck = Recheck(ledger, Index(ledger, {MAIN: reading.instance.resolver}), instances)

    def ask(intent: Intent) -> str | None:
        case = ledger.open_case(file_id).number
        verdict = Verdict(rule_id="known", rule_digest="d", because=making.EXACT, intents=())
        ledger.add_verdict(case, file_id, verdict, [(intent, Allow())])
        return recheck(ledger.intents()[-1])

    return shown, ask


@both
def test_nothing_changed(square: Square) -> None:
    shown, ask = judged(square, square.status())
    assert ask(Report(instance=MAIN, subject=shown.subject, text="t")) is None
    assert shown.subject.author is not None
    assert ask(BanAccount(instance=MAIN, account=shown.subject.author)) is None


@both
@pytest.mark.parametrize("with_another", [True, False])
def test_a_picture_that_was_edited_out_is_still_public_and_still_reported(square: Square, with_another: bool) -> None:
    status = square.status()
    shown, ask = judged(square, status)
    media: list[str] = []
    if with_another:
        sent = {"file": ("b.png", picture(), "image/png")}
        media.append(square.client("alice").post("/api/v2/media", files=sent).json()["id"])
    square.call("alice", "PUT", f"/api/v1/statuses/{status['id']}", status="edited", media_ids=media)
    assert square.client("nobody").get(status["media_attachments"][0]["url"]).status_code == 200
    assert ask(Report(instance=MAIN, subject=shown.subject, text="t")) is None
    assert ask(Remove(instance=MAIN, subject=shown.subject, text="t")) is None


@both
def test_a_post_that_its_author_deleted_is_left_alone(square: Square) -> None:
    status = square.status()
    shown, ask = judged(square, status)
    square.call("alice", "DELETE", f"/api/v1/statuses/{status['id']}")
    assert "gone" in str(ask(Remove(instance=MAIN, subject=shown.subject, text="t")))
    assert shown.subject.author is not None
    assert ask(BanAccount(instance=MAIN, account=shown.subject.author)) is None  # who stored it stored it


def test_a_picture_that_another_post_shows_now_is_not_this_ones(square: Square) -> None:
    shown, ask = judged(square, square.status())
    other = square.status("bob")
    batch = connect(square).source("local").read(SubjectKey(instance=MAIN, kind="post", local_id=other["id"]))
    assert isinstance(batch, Batch)
    theirs = next(one for one in batch.sightings if one.subject.kind == "post")
    assert theirs.name != shown.name
    assert "no longer shows" in str(ask(Remove(instance=MAIN, subject=theirs.subject, text="t")))


@both
def test_a_post_that_is_hidden_with_its_suspended_account_is_not_gone(square: Square) -> None:
    shown, ask = judged(square, square.status())
    post = shown.subject
    assert isinstance(post, Post)
    assert post.author is not None
    bot = square.bot().enforcer
    bot.apply(report(post))
    bot.apply(suspend(post.author))
    assert "gone" in str(ask(report(post)))  # a report needs what it is about
    assert ask(remove(post)) is None
    assert ask(mark(post)) is None
    square.call("admin", "POST", f"/api/v1/admin/accounts/{post.author.local_id}/unsuspend")
    assert ask(remove(post)) is None
    square.call("alice", "DELETE", f"/api/v1/statuses/{post.local_id}")
    assert "gone" in str(ask(remove(post)))
    assert "gone" in str(ask(mark(post)))
