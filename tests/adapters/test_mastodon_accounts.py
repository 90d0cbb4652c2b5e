"""Limits and suspensions on Mastodon, their undo, and the reports that they close."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from mastodon_square import both, ids, limit, remove, report, suspend

from adapters.sandbox.faults import drop, respond
from adapters.sandbox.mastodon.reports import file_report
from bot.domain.decisions import AlreadyDone, Done, Failed, LastWord, Limit, Refused, Scope
from bot.domain.errors import NotLoggedInError, NotPermittedError

if TYPE_CHECKING:
    from mastodon_square import Square

    from adapters.mastodon.deeds import Deeds
    from bot.domain.decisions import BanAccount, LimitAccount

ACTIONS = ("silence", "sensitive", "suspend")
FLAGS = {"silence": "silenced", "sensitive": "sensitized", "suspend": "suspended"}


def deed(square: Square, action: str, who: str = "alice") -> BanAccount | LimitAccount:
    account = square.account(who)
    return suspend(account) if action == "suspend" else limit(account, Limit(action))


def reported(square: Square, bot: Deeds) -> str:
    """A post of alice's that the bot has reported, and a report by somebody else; that one's id."""
    bot.enforcer.apply(report(square.post()))
    theirs: str = square.call("bob", "POST", "/api/v1/reports", account_id=square.account("alice").local_id)["id"]
    return theirs


@both
@pytest.mark.parametrize("action", ACTIONS)
def test_deed_is_done_proved_and_undone(square: Square, action: str) -> None:
    bot, wanted = square.bot(), deed(square, action)
    assert bot.enforcer.offers(wanted).reversible
    bot.enforcer.apply(report(square.post()))
    before = bot.enforcer.verify(wanted)
    assert before.so is False
    assert isinstance(bot.enforcer.apply(wanted), Done)
    found = bot.enforcer.verify(wanted)
    assert (found.so, found.by_us) == (True, True)
    assert square.admin_view()[FLAGS[action]]
    assert isinstance(bot.enforcer.revert(wanted, before.state), Done)
    assert bot.enforcer.verify(wanted).so is False
    assert isinstance(bot.enforcer.revert(wanted, before.state), AlreadyDone)


@pytest.mark.parametrize("action", ["silence", "sensitive"])
def test_nobody_is_told(square: Square, action: str) -> None:
    assert isinstance(square.bot().enforcer.apply(deed(square, action)), Done)
    assert square.warnings() == 0


def test_mail_is_declined_in_so_many_words(square: Square) -> None:
    sent: list[dict[str, Any]] = []
    bot = square.bot()
    bot.enforcer._accounts._client.post = lambda path, body: sent.append(body)
    bot.enforcer.apply(report(square.post()))
    sent.clear()
    bot.enforcer.apply(deed(square, "suspend"))
    assert [body["send_email_notification"] for body in sent] == [False]


@pytest.mark.parametrize("action", ACTIONS)
def test_second_time_is_already_done_and_leaves_no_second_strike(square: Square, action: str) -> None:
    bot, wanted = square.bot(), deed(square, action)
    bot.enforcer.apply(wanted)
    strikes = len(square.box.state.strikes)
    assert isinstance(bot.enforcer.apply(wanted), AlreadyDone)
    assert len(square.box.state.strikes) == strikes


@both
@pytest.mark.parametrize("action", ACTIONS)
def test_reports_of_others_are_told_and_opened_again(square: Square, action: str) -> None:
    bot, wanted = square.bot(), deed(square, action)
    theirs = reported(square, bot)
    before = bot.enforcer.verify(wanted).state
    opened = set(ids(square.reports()))
    assert set(before["open_reports"]) == opened
    outcome = bot.enforcer.apply(wanted)
    assert isinstance(outcome, Done)
    assert f"of which report {theirs} by others" in outcome.note
    assert not square.reports()
    undone = bot.enforcer.revert(wanted, before)
    assert isinstance(undone, Done)
    assert "open again" in undone.note
    assert set(ids(square.reports())) == opened


def test_report_that_a_human_has_closed_since_stays_closed(square: Square) -> None:
    bot, wanted = square.bot(), deed(square, "silence")
    theirs = reported(square, bot)
    before = bot.enforcer.verify(wanted).state
    bot.enforcer.apply(wanted)
    square.call("mod", "POST", f"/api/v1/admin/reports/{theirs}/resolve")
    bot.enforcer.revert(wanted, before)
    assert theirs not in ids(square.reports())
    assert len(square.reports()) == 1


def test_report_that_was_closed_before_is_not_opened(square: Square) -> None:
    bot, wanted = square.bot(), deed(square, "silence")
    theirs = reported(square, bot)
    square.call("mod", "POST", f"/api/v1/admin/reports/{theirs}/resolve")
    before = bot.enforcer.verify(wanted).state
    bot.enforcer.apply(wanted)
    bot.enforcer.revert(wanted, before)
    assert theirs not in ids(square.reports())


@pytest.mark.parametrize("who", ["mod", "chief", "admin"])
@pytest.mark.parametrize("action", ["silence", "suspend"])
def test_accounts_with_a_role_are_left_to_humans(square: Square, who: str, action: str) -> None:
    outcome = square.bot(who="admin").enforcer.apply(deed(square, action, who))
    assert isinstance(outcome, Refused)
    assert outcome.code == "has_role"


def test_what_mastodon_has_no_word_for_is_not_offered(square: Square) -> None:
    bot, account = square.bot(), square.account("alice")
    assert "days" in bot.enforcer.offers(suspend(account, days=3)).why_not
    assert not bot.enforcer.offers(suspend(account, scope=Scope.COMMUNITY, community_id="1")).supported


def test_account_that_is_not_there_is_not_limited(square: Square) -> None:
    bot, account = square.bot(), square.account("alice")
    gone = limit(replace(account, local_id="1"))
    assert bot.enforcer.verify(gone).so is False
    assert isinstance(bot.enforcer.apply(gone), Refused)


@both
def test_done_by_a_human_is_not_ours(square: Square) -> None:
    bot, wanted = square.bot(), deed(square, "suspend")
    bot.enforcer.apply(report(square.post()))
    square.call("mod", "POST", f"/api/v1/admin/accounts/{wanted.account.local_id}/action", type="suspend")
    found = bot.enforcer.verify(wanted)
    assert (found.so, found.by_us) == (True, False)
    outcome = bot.enforcer.apply(wanted)
    assert isinstance(outcome, AlreadyDone)
    assert not outcome.by_us


@both
@pytest.mark.parametrize("action", ACTIONS)
def test_report_that_a_human_closes_later_does_not_make_our_deed_theirs(square: Square, action: str) -> None:
    """Another report on the account: whoever deals with it has not acted on the account."""
    bot, wanted = square.bot(), deed(square, action)
    bot.enforcer.apply(report(square.post()))
    before = bot.enforcer.verify(wanted).state
    assert isinstance(bot.enforcer.apply(wanted), Done)
    later = _file_about(square, wanted.account.local_id)
    square.call("mod", "POST", f"/api/v1/admin/reports/{later}/resolve")
    found = square.bot().enforcer.verify(wanted)
    assert (found.so, found.by_us) == (True, None)
    assert isinstance(square.bot().enforcer.revert(wanted, before), Done)
    assert bot.enforcer.verify(wanted).so is False


def test_our_report_that_a_human_opens_and_closes_again_does_not_either(square: Square) -> None:
    """As long as another one tells that we acted."""
    bot, wanted = square.bot(), deed(square, "silence")
    reported(square, bot)
    ours = next(row["id"] for row in square.reports() if row["statuses"])
    bot.enforcer.apply(wanted)
    for act in ("reopen", "resolve"):
        square.call("mod", "POST", f"/api/v1/admin/reports/{ours}/{act}")
    assert bot.enforcer.verify(wanted).by_us is None


def test_offer_says_what_leaves_no_trace(square: Square) -> None:
    assert "leaves no trace" in square.bot().enforcer.offers(deed(square, "suspend")).undone


def test_without_any_report_nobody_knows_who_did_it(square: Square) -> None:
    bot, wanted = square.bot(), deed(square, "silence")
    assert isinstance(bot.enforcer.apply(wanted), Done)
    found = bot.enforcer.verify(wanted)
    assert (found.so, found.by_us) == (True, None)


@both
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("closed", [False, True])
def test_lost_answer_is_found_out(square: Square, action: str, closed: bool) -> None:
    """By our own report, also where a deed before this one had closed it."""
    bot, wanted = square.bot(), deed(square, action)
    bot.enforcer.apply(report(square.post()))
    if closed:
        square.call("warden", "POST", f"/api/v1/admin/reports/{square.reports()[0]['id']}/resolve")
    square.box.faults.after("POST", "/action$", drop())
    outcome = bot.enforcer.apply(wanted)
    assert isinstance(outcome, Failed)
    assert outcome.unknown
    found = square.bot().enforcer.verify(wanted)
    assert (found.so, found.by_us) == (True, True)


@pytest.mark.parametrize("closed", [False, True])
def test_lost_call_is_found_out(square: Square, closed: bool) -> None:
    bot, wanted = square.bot(), deed(square, "suspend")
    bot.enforcer.apply(report(square.post()))
    if closed:
        square.call("warden", "POST", f"/api/v1/admin/reports/{square.reports()[0]['id']}/resolve")
    since = datetime.now(UTC) + timedelta(seconds=1)
    square.box.faults.before("POST", "/action$", drop())
    outcome = bot.enforcer.apply(wanted)
    assert isinstance(outcome, Failed)
    assert outcome.unknown
    assert bot.enforcer.verify(wanted).so is False
    assert bot.enforcer.last_word(wanted, since) is LastWord.NOBODYS


def test_done_and_lifted_by_a_human_meanwhile(square: Square) -> None:
    bot, wanted = square.bot(), deed(square, "suspend")
    bot.enforcer.apply(report(square.post()))
    since = datetime.now(UTC)
    square.box.faults.after("POST", "/action$", drop())
    bot.enforcer.apply(wanted)
    square.call("mod", "POST", f"/api/v1/admin/accounts/{wanted.account.local_id}/unsuspend")
    assert bot.enforcer.verify(wanted).so is False
    assert bot.enforcer.last_word(wanted, since) is LastWord.ANOTHERS


def test_without_any_report_nobody_has_the_last_word(square: Square) -> None:
    assert square.bot().enforcer.last_word(deed(square, "suspend"), datetime.now(UTC)) is LastWord.UNKNOWN


def test_lost_answer_of_an_undo_leaves_no_report_closed(square: Square) -> None:
    bot, wanted = square.bot(), deed(square, "suspend")
    theirs = reported(square, bot)
    before = bot.enforcer.verify(wanted).state
    bot.enforcer.apply(wanted)
    square.box.faults.after("POST", "/unsuspend$", drop())
    outcome = bot.enforcer.revert(wanted, before)
    assert isinstance(outcome, Failed)
    assert outcome.unknown
    assert theirs in ids(square.reports())
    assert isinstance(bot.enforcer.revert(wanted, before), AlreadyDone)


def test_undo_without_a_before_is_refused(square: Square) -> None:
    bot, wanted = square.bot(), deed(square, "suspend")
    bot.enforcer.apply(wanted)
    assert isinstance(bot.enforcer.revert(wanted, {}), Refused)
    assert isinstance(bot.enforcer.revert(wanted, {"suspended": True}), AlreadyDone)
    assert square.admin_view()["suspended"]


@both
def test_undo_of_a_suspension_tells_of_files_that_are_public_again(square: Square) -> None:
    bot = square.bot(removal={"web": square.web()})
    post = square.post()
    wanted = suspend(square.account("alice"))
    assert "become public again" in bot.enforcer.offers(wanted).undone
    bot.enforcer.apply(report(post))
    assert isinstance(bot.enforcer.apply(remove(post)), Done)
    before = bot.enforcer.verify(wanted).state
    assert len(before["removed_files"]) == 1
    bot.enforcer.apply(wanted)
    outcome = square.bot().enforcer.revert(wanted, before)
    assert isinstance(outcome, Done)
    assert "a file of a removed post is public again" in outcome.note


def test_suspension_that_cannot_be_lifted_is_refused_in_words(square: Square) -> None:
    bot, wanted = square.bot(), deed(square, "suspend")
    bot.enforcer.apply(wanted)
    square.box.faults.before("POST", "/unsuspend$", _not_allowed())
    outcome = bot.enforcer.revert(wanted, {"suspended": False})
    assert isinstance(outcome, Refused)
    assert outcome.code == "not_lifted"
    assert "open again" not in outcome.note


def test_undo_that_is_refused_says_which_reports_it_has_opened(square: Square) -> None:
    bot, wanted = square.bot(), deed(square, "suspend")
    theirs = reported(square, bot)
    before = bot.enforcer.verify(wanted).state
    bot.enforcer.apply(wanted)
    square.box.faults.before("POST", "/unsuspend$", _not_allowed())
    outcome = bot.enforcer.revert(wanted, before)
    assert isinstance(outcome, Refused)
    assert theirs in outcome.note
    assert "open again" in outcome.note
    assert theirs in ids(square.reports())


@pytest.mark.parametrize("action", ["silence", "sensitive"])
def test_suspended_account_is_not_limited_on_top(square: Square, action: str) -> None:
    bot = square.bot()
    bot.enforcer.apply(deed(square, "suspend"))
    strikes = len(square.box.state.strikes)
    outcome = bot.enforcer.apply(deed(square, action))
    assert isinstance(outcome, Refused)
    assert outcome.code == "suspended"
    assert len(square.box.state.strikes) == strikes


@both
@pytest.mark.parametrize("action", ACTIONS)
def test_remote_accounts_too(square: Square, action: str) -> None:
    rita = square.remote()
    wanted = suspend(rita) if action == "suspend" else limit(rita, Limit(action))
    bot = square.bot()
    before = bot.enforcer.verify(wanted).state
    assert isinstance(bot.enforcer.apply(wanted), Done)
    assert bot.enforcer.verify(wanted).so
    assert isinstance(bot.enforcer.revert(wanted, before), Done)


@both
def test_missing_scope_and_permission_are_named(square: Square) -> None:
    wanted = deed(square, "silence")
    with pytest.raises(NotPermittedError, match="lacks the scope"):
        square.bot(label="reports").enforcer.verify(wanted)
    outcome = square.bot(label="reports").enforcer.apply(wanted)
    assert isinstance(outcome, Failed)
    assert "admin:read" in outcome.note
    outcome = square.bot(who="bob").enforcer.apply(wanted)
    assert isinstance(outcome, Failed)
    assert "Manage Reports and Manage Users" in outcome.note
    with pytest.raises(NotLoggedInError):
        square.bot(label="dead").enforcer.verify(wanted)


def _file_about(square: Square, account_id: str) -> int:
    """A report of bob's, as one comes from elsewhere on somebody whom nobody is shown here any more."""
    state = square.box.state
    with state.lock:
        bob, target = state.accounts[int(square.box.people["bob"].id)], state.accounts[int(account_id)]
        return file_report(state, bob, target, [], comment="", category="other").id


def _not_allowed() -> Any:
    return respond(403, '{"error":"This action is not allowed"}')
