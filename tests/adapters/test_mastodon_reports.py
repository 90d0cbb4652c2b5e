"""Reports on Mastodon: one for each post, whatever the server would take."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from mastodon_square import TEXT, both, mark, remove, report, suspend
from pydantic import ValidationError

from adapters.mastodon.deed_settings import ReportSettings
from adapters.sandbox.faults import drop, respond
from bot.domain.content import Comment, Profile
from bot.domain.decisions import AlreadyDone, Done, Failed, LastWord, Refused, Report
from bot.domain.errors import NotLoggedInError, NotPermittedError
from making import NOW

if TYPE_CHECKING:
    from mastodon_square import Square


@both
def test_report_names_the_post_and_keeps_it_neutral(square: Square) -> None:
    post, bot = square.post(), square.bot()
    outcome = bot.enforcer.apply(report(post))
    (filed,) = square.reports()
    assert outcome == Done(note=f"report {filed['id']}")
    assert [status["id"] for status in filed["statuses"]] == [post.local_id]
    assert (filed["comment"], filed["category"], filed["forwarded"]) == (TEXT, "other", False)


@both
def test_second_report_of_same_post_is_already_done(square: Square) -> None:
    post = square.post()
    square.bot().enforcer.apply(report(post))
    again = square.bot().enforcer.apply(report(post))
    assert isinstance(again, AlreadyDone)
    assert again.by_us
    assert len(square.reports()) == 1


@both
@pytest.mark.parametrize("by", ["warden", "mod"])
def test_report_that_was_resolved_is_not_filed_again(square: Square, by: str) -> None:
    post, bot = square.post(), square.bot()
    bot.enforcer.apply(report(post))
    square.call(by, "POST", f"/api/v1/admin/reports/{square.reports()[0]['id']}/resolve")
    assert isinstance(bot.enforcer.apply(report(post)), AlreadyDone)
    assert not square.reports()


def test_report_by_somebody_else_is_not_ours(square: Square) -> None:
    post, bot = square.post(), square.bot()
    square.call("bob", "POST", "/api/v1/reports", account_id=post.author.local_id, status_ids=[post.local_id])
    assert bot.enforcer.verify(report(post)).so is False
    assert isinstance(bot.enforcer.apply(report(post)), Done)
    assert len(square.reports()) == 2


@both
def test_several_posts_of_one_account_in_one_report(square: Square) -> None:
    first, second, other = square.post(), square.post(), square.post("bob")
    bot = square.bot()
    assert isinstance(bot.enforcer.apply(report(first, second, other)), Done)
    (filed,) = square.reports()
    assert {status["id"] for status in filed["statuses"]} == {first.local_id, second.local_id}
    assert isinstance(bot.enforcer.apply(report(second)), AlreadyDone)
    assert not square.reports("bob")


@both
def test_report_goes_out_without_a_post_that_is_gone(square: Square) -> None:
    first, second = square.post(), square.post()
    square.call("alice", "DELETE", f"/api/v1/statuses/{second.local_id}")
    bot, wanted = square.bot(), report(first, second)
    outcome = bot.enforcer.apply(wanted)
    assert isinstance(outcome, Done)
    assert outcome.note.endswith("without 1 post that is gone")
    assert bot.enforcer.verify(wanted).so


def test_report_goes_out_for_the_others_where_the_first_is_gone(square: Square) -> None:
    first, second = square.post(), square.post()
    square.call("alice", "DELETE", f"/api/v1/statuses/{first.local_id}")
    bot, wanted = square.bot(), report(first, second)
    assert isinstance(bot.enforcer.apply(wanted), Done)
    assert bot.enforcer.verify(wanted).so
    assert isinstance(bot.enforcer.apply(wanted), AlreadyDone)
    assert len(square.reports()) == 1


def test_report_on_what_is_gone_is_refused(square: Square) -> None:
    post, bot = square.post(), square.bot()
    square.call("alice", "DELETE", f"/api/v1/statuses/{post.local_id}")
    assert isinstance(bot.enforcer.apply(report(post)), Refused)


@both
def test_report_on_a_suspended_account_is_refused(square: Square) -> None:
    post, bot = square.post(), square.bot()
    bot.enforcer.apply(suspend(square.account("alice")))
    assert isinstance(bot.enforcer.apply(report(post)), Refused)
    assert isinstance(bot.enforcer.apply(report(post, square.post("bob"))), Refused)


def test_report_on_a_profile(square: Square) -> None:
    author = square.account("alice")
    profile = Profile(instance=author.instance, local_id=author.local_id, uri=author.uri, url="", author=author)
    bot, wanted = square.bot(), Report(instance=author.instance, subject=profile, text=TEXT)
    assert isinstance(bot.enforcer.apply(wanted), Done)
    assert square.reports()[0]["statuses"] == []
    assert isinstance(bot.enforcer.apply(wanted), AlreadyDone)


def test_what_cannot_be_reported(square: Square) -> None:
    post, bot = square.post(), square.bot()
    assert not bot.enforcer.offers(report(replace(post, author=None))).supported
    comment = Comment(instance=post.instance, local_id="1", uri="u", url="u", author=post.author)
    outcome = bot.enforcer.apply(Report(instance=post.instance, subject=comment, text=TEXT))
    assert isinstance(outcome, Refused)
    assert outcome.code == "not_offered"


def test_long_comment_is_cut(square: Square) -> None:
    post, bot = square.post(), square.bot()
    assert isinstance(bot.enforcer.apply(replace(report(post), text="x" * 3000)), Done)
    assert len(square.reports()[0]["comment"]) == 1000


@pytest.mark.parametrize("category", ["spam", "legal"])
def test_category_of_the_settings(square: Square, category: str) -> None:
    bot = square.bot(report={"category": category})
    assert isinstance(bot.enforcer.apply(report(square.post())), Done)
    assert square.reports()[0]["category"] == category


@pytest.mark.parametrize(
    "wrong",
    [{"category": "porn"}, {"category": "violation"}, {"rule_ids": ["1"]}, {"category": "spam", "rule_ids": ["1"]}],
)
def test_settings_that_the_server_would_not_take(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReportSettings.model_validate(wrong)


@pytest.mark.parametrize("forward", [False, True])
def test_only_remote_posts_are_forwarded_and_only_when_asked(square: Square, forward: bool) -> None:
    sent: list[Any] = []
    bot = square.bot(report={"forward": forward})
    post = square.post()
    assert post.author is not None
    client = bot.enforcer._reports._client
    client.post = lambda path, body: sent.append(body) or {"id": "1"}
    bot.enforcer.apply(report(post))
    bot.enforcer.apply(report(replace(post, author=replace(post.author, is_local=False))))
    assert [body["forward"] for body in sent] == [False, forward]


@both
def test_undo_resolves_it_and_reopen_opens_it(square: Square) -> None:
    post, bot = square.post(), square.bot()
    wanted = report(post)
    before = bot.enforcer.verify(wanted).state
    bot.enforcer.apply(wanted)
    assert isinstance(bot.enforcer.revert(wanted, before), Done)
    assert not square.reports()
    assert isinstance(bot.enforcer.revert(wanted, before), AlreadyDone)
    assert isinstance(bot.enforcer.reopen(wanted), Done)
    assert isinstance(bot.enforcer.reopen(wanted), AlreadyDone)
    assert len(square.reports()) == 1


def test_report_that_a_human_resolved_stays_resolved(square: Square) -> None:
    post, bot = square.post(), square.bot()
    bot.enforcer.apply(report(post))
    square.call("mod", "POST", f"/api/v1/admin/reports/{square.reports()[0]['id']}/resolve")
    outcome = bot.enforcer.reopen(report(post))
    assert isinstance(outcome, Refused)
    assert outcome.code == "resolved_by_other"


@both
def test_lost_answer_is_found_out_and_nothing_is_filed_twice(square: Square) -> None:
    post, bot = square.post(), square.bot()
    square.box.faults.after("POST", "/api/v1/reports$", drop())
    outcome = bot.enforcer.apply(report(post))
    assert isinstance(outcome, Failed)
    assert outcome.unknown
    found = square.bot().enforcer.verify(report(post))
    assert (found.so, found.by_us) == (True, True)
    assert len(square.reports()) == 1


def test_lost_call_is_found_out(square: Square) -> None:
    post, bot = square.post(), square.bot()
    square.box.faults.before("POST", "/api/v1/reports$", drop())
    outcome = bot.enforcer.apply(report(post))
    assert isinstance(outcome, Failed)
    assert outcome.unknown
    assert bot.enforcer.verify(report(post)).so is False
    assert bot.enforcer.last_word(report(post), NOW) is LastWord.NOBODYS


def test_look_that_fails_before_the_report_leaves_nothing_unknown(square: Square) -> None:
    post, bot = square.post(), square.bot()
    square.box.faults.before("GET", "/api/v1/admin/reports", drop(), times=20)
    outcome = bot.enforcer.apply(report(post))
    assert isinstance(outcome, Failed)
    assert not outcome.unknown
    square.box.faults.clear()
    assert not square.reports()


@both
def test_missing_scope_is_named(square: Square) -> None:
    post = square.post()
    bot = square.bot(label="readonly")
    with pytest.raises(NotPermittedError, match=r"lacks the scope `admin:read:reports`|`admin:read"):
        bot.enforcer.verify(report(post))
    outcome = bot.enforcer.apply(report(post))
    assert isinstance(outcome, Failed)  # an operator can mend it
    assert "lacks the scope" in outcome.note


@both
def test_missing_permission_is_named(square: Square) -> None:
    outcome = square.bot(who="bob").enforcer.apply(report(square.post()))
    assert isinstance(outcome, Failed)
    assert "Manage Reports" in outcome.note


@both
def test_dead_token_is_no_missing_permission(square: Square) -> None:
    post, bot = square.post(), square.bot(label="dead")
    with pytest.raises(NotLoggedInError, match="does not accept the configured `token`"):
        bot.enforcer.verify(report(post))
    outcome = bot.enforcer.apply(report(post))
    assert isinstance(outcome, Failed)
    assert not outcome.unknown


def test_answer_that_is_no_report(square: Square) -> None:
    post, bot = square.post(), square.bot()
    square.box.faults.before("POST", "/api/v1/reports$", respond(200, "{}"))
    outcome = bot.enforcer.apply(report(post))
    assert isinstance(outcome, Failed)
    assert outcome.unknown


def test_evidence_of_a_removed_post_does_not_file_again(square: Square) -> None:
    post, bot = square.post(), square.bot(removal={"web": square.web()})
    bot.enforcer.apply(report(post))
    bot.enforcer.apply(mark(post))
    bot.enforcer.apply(remove(post))
    assert isinstance(bot.enforcer.apply(report(post)), AlreadyDone)
