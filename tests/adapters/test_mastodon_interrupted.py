"""A whole case on Mastodon whose calls get lost one by one: found out by asking the server, and nothing done twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from mastodon_square import both, limit, mark, remove, report, suspend

import making
from adapters.http import Transport
from adapters.mastodon.removals import BY_HAND
from adapters.sandbox.faults import drop, truncate
from bot.domain.decisions import IntentState, Refused
from bot.enforce.undo import Prospect
from bot.operate.undo import of_case, preview
from enforce.test_apply import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from mastodon_square import Square

    from adapters.sandbox.faults import Action
    from bot.domain.content import Post
    from bot.domain.decisions import Intent


class Case:
    """A case about one post, the bot, and a ledger; its clock goes with the server's."""

    def __init__(self, square: Square, *kinds: str) -> None:
        self.square = square
        self.post = here(square.post())
        self.world = World()
        self.world.clock.time = datetime.now(UTC) + timedelta(seconds=1)
        self.restart()
        assert self.post.author is not None
        every: dict[str, Intent] = {
            "report": report(self.post),
            "mark": mark(self.post),
            "remove": remove(self.post),
            "limit": limit(self.post.author),
            "suspend": suspend(self.post.author),
        }
        self.world.plan(*(replace(every[kind], instance=making.HERE) for kind in kinds))

    def restart(self) -> None:
        """A new process, with a new session and nothing in its memory."""
        self.world.platform = self.square.bot(removal={"web": self.square.web()}).enforcer
        self.world.restart()

    def strikes(self) -> Counter[str]:
        return Counter(strike.action for strike in self.square.box.state.strikes.values())

    def reports(self) -> int:
        return len(self.square.reports()) + len(self.square.reports(resolved="true"))


def here(post: Post) -> Post:
    assert post.author is not None
    return replace(post, instance=making.HERE, author=replace(post.author, instance=making.HERE))


@both
def test_case_from_report_to_suspension(square: Square) -> None:
    case = Case(square, "report", "remove", "limit", "suspend")
    case.world.settle()
    assert set(case.world.states().values()) == {"done"}
    assert case.strikes() == {"delete_statuses": 1, "silence": 1, "suspend": 1}
    assert case.reports() == 1


DEEDS = (
    "^/api/v1/reports$",
    "^/admin/reports/[0-9]+/actions$",
    "^/api/v1/admin/accounts/[0-9]+/action$",
    "^/api/v1/admin/reports/[0-9]+/reopen$",
    "^/auth/sign_in$",
)
LOOKS = ("^/api/v1/admin/reports/[0-9]+$", "^/admin/reports/[0-9]+$")
LOST = [
    *[("POST", path, when, fault) for path in DEEDS for when, fault in (("before", drop), ("after", truncate))],
    *[("GET", path, "before", drop) for path in LOOKS],
]


@pytest.mark.parametrize(("method", "path", "when", "fault"), LOST)
def test_call_that_is_lost_is_found_out_and_nothing_is_done_twice(
    square: Square, method: str, path: str, when: str, fault: Callable[[], Action]
) -> None:
    case = Case(square, "report", "remove", "suspend")
    getattr(square.box.faults, when)(method, path, fault(), times=2)
    case.world.work()
    case.restart()
    case.world.settle()
    assert set(case.world.states().values()) == {"done"}
    assert case.strikes() == {"delete_statuses": 1, "suspend": 1}
    assert case.reports() == 1
    assert square.warnings() == 1


def test_without_a_report_a_lost_answer_waits_for_a_human(square: Square) -> None:
    case = Case(square, "suspend")
    square.box.faults.after("POST", "/action$", drop())
    case.world.settle()
    assert case.world.states() == {"ban_account": "held"}
    assert case.strikes() == {"suspend": 1}


def test_undo_of_a_case_tells_and_does(square: Square) -> None:
    """The preview tells of files that become public again; reports of others are open again, ours is closed."""
    case = Case(square, "report", "remove", "suspend")
    theirs = square.call("bob", "POST", "/api/v1/reports", account_id=square.box.people["alice"].id)["id"]
    case.world.settle()
    assert set(case.world.states().values()) == {"done"}
    ledger, enforcers = case.world.ledger, {making.HERE: case.world.platform}
    told = {outlook.record.intent.kind: outlook for outlook in preview(ledger, enforcers, of_case(ledger, 1), ask=10)}
    assert told["remove"].prospect is Prospect.LOST
    assert "those of posts that were removed meanwhile too" in told["ban_account"].why
    assert told["ban_account"].prospect is Prospect.RESTORED
    case.restart()
    for record in of_case(ledger, 1):
        ledger.set_state(record.id, IntentState.UNDOING, by="operator")
    case.world.settle()
    assert case.world.states() == {"report": "undone", "remove": "done", "ban_account": "undone"}
    assert not square.admin_view()["suspended"]
    assert [row["id"] for row in square.reports()] == [theirs]
    notes = [str(attempt.outcome) for record in ledger.intents() for attempt in ledger.attempts(record.id)]
    assert any("a file of a removed post is public again" in note for note in notes)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("path", ["/unsuspend$", "/reopen$"])
def test_undo_whose_calls_get_lost_comes_to_the_same(square: Square, path: str, when: str) -> None:
    case = Case(square, "report", "suspend")
    theirs = square.call("bob", "POST", "/api/v1/reports", account_id=square.box.people["alice"].id)["id"]
    case.world.settle()
    ban = next(one for one in case.world.ledger.intents() if one.intent.kind == "ban_account")
    case.world.ledger.set_state(ban.id, IntentState.UNDOING, by="operator")
    getattr(square.box.faults, when)("POST", path, drop(), times=2)
    case.world.work()
    case.restart()
    case.world.settle()
    assert case.world.states()["ban_account"] == "undone"
    assert not square.admin_view()["suspended"]
    assert theirs in [row["id"] for row in square.reports()]


def test_report_removal_and_suspension_cost_few_calls(square: Square, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the 300 that Mastodon allows in five minutes: in a raid that is the pace."""
    case = Case(square, "report", "remove", "suspend")
    case.world.platform.offers(limit(square.account("bob")))  # asks who we are, and what is there
    calls: list[str] = []
    call = Transport.call

    def counting(self: Transport, method: str, path: str, **more: Any) -> Any:
        if "Authorization" in (more.get("headers") or {}):
            calls.append(f"{method} {path}")
        return call(self, method, path, **more)

    monkeypatch.setattr(Transport, "call", counting)
    case.world.settle()
    assert set(case.world.states().values()) == {"done"}
    assert len(calls) <= 14, calls


def test_mark_that_only_others_can_take_off_is_foreseen_as_left_alone(square: Square) -> None:
    case = Case(square, "report", "mark")
    case.world.settle()
    ledger, enforcers = case.world.ledger, {making.HERE: case.world.platform}
    marked = next(one for one in ledger.intents() if one.intent.kind == "mark_sensitive")
    (outlook,) = preview(ledger, enforcers, [marked], ask=1)
    assert (outlook.prospect, outlook.why.split(":")[0]) == (
        Prospect.LEFT_ALONE,
        "the bot cannot take the warning off on this server",
    )
    ledger.set_state(marked.id, IntentState.UNDOING, by="operator")
    case.world.settle()
    assert case.world.states()["mark_sensitive"] == "done"
    assert ledger.attempts(marked.id)[-1].outcome == Refused(code="by_hand", note=BY_HAND)
