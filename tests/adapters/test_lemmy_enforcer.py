from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from lemmy_town import MAIN

from adapters.sandbox.lemmy import drop, hold, respond, truncate
from bot.domain.content import Account, Comment, Post, Profile, Visibility
from bot.domain.decisions import (
    AlreadyDone,
    BanAccount,
    Done,
    Failed,
    Refused,
    Remove,
    Report,
    Scope,
)
from bot.domain.errors import UnreachableError

if TYPE_CHECKING:
    from lemmy_town import Town

    from bot.domain.content import Subject
    from bot.domain.decisions import Intent
    from bot.ports import Instance

HTML = "<html><h1>Bad Gateway</h1></html>"
NO_CONNECTION = '{"error":"unknown","message":"Timeout occurred while waiting for a slot to become available"}'
TEXT = "Automated check: please review"


@pytest.fixture
def post(town: Town, instance: Instance) -> Subject:
    return town.subject(instance, "post", town.post(url=town.url(town.upload())))


@pytest.fixture
def comment(town: Town, instance: Instance) -> Subject:
    number = town.comment(town.post(), f"![c]({town.url(town.upload('bob'))})")
    return town.subject(instance, "comment", number)


@pytest.fixture(params=["post", "comment"])
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.getfixturevalue(request.param)
    return found


def report(subject: Subject) -> Report:
    return Report(instance=MAIN, subject=subject, text=TEXT)


def remove(subject: Subject, text: str = TEXT) -> Remove:
    return Remove(instance=MAIN, subject=subject, text=text)


def account(town: Town, who: str) -> Account:
    return Account(
        instance=MAIN,
        local_id=str(town.box.people[who].id),
        uri=f"{town.box.url}/u/{who}",
        handle=f"{who}@{town.box.url}",
        home_host="x",
        is_local=True,
    )


def ban(town: Town, who: str = "bob", **more: Any) -> BanAccount:
    return BanAccount(instance=MAIN, account=account(town, who), text=TEXT, **more)


def community_ban(town: Town, **more: Any) -> BanAccount:
    return ban(town, scope=Scope.COMMUNITY, community_id=str(town.community), **more)


def modlog(town: Town) -> dict[str, list[Any]]:
    return {key: rows for key, rows in town.call("admin", "GET", "modlog", limit=50).items() if rows}


def reports(town: Town, subject: Subject) -> list[dict[str, Any]]:
    answer = town.call("admin", "GET", f"{subject.kind}/report/list", unresolved_only="false")
    return [view[f"{subject.kind}_report"] for view in answer[f"{subject.kind}_reports"]]


# ------------------------------------------------------------------------------------------------------------ reports


def test_report_is_filed_once_and_found_again(town: Town, instance: Instance, subject: Subject) -> None:
    enforcer = instance.enforcer
    assert enforcer.offers(report(subject)).supported
    assert enforcer.verify(report(subject)).so is False
    assert isinstance(enforcer.apply(report(subject)), Done)
    again = enforcer.apply(report(subject))
    assert isinstance(again, AlreadyDone)
    assert again.by_us
    found = enforcer.verify(report(subject))
    assert (found.so, found.by_us) == (True, True)
    (one,) = reports(town, subject)
    assert one["reason"] == TEXT
    assert one["creator_id"] == town.box.people["warden"].id


def test_report_of_somebody_else_is_not_ours(town: Town, instance: Instance, subject: Subject) -> None:
    town.call("carol", "POST", f"{subject.kind}/report", **{f"{subject.kind}_id": int(subject.local_id)}, reason="x")
    assert instance.enforcer.verify(report(subject)).so is False


def test_report_of_something_removed_or_purged_is_refused(town: Town, instance: Instance, subject: Subject) -> None:
    number = {f"{subject.kind}_id": int(subject.local_id)}
    town.call("admin", "POST", f"{subject.kind}/remove", **number, removed=True, reason="x")
    assert isinstance(instance.enforcer.apply(report(subject)), Refused)
    town.call("admin", "POST", f"admin/purge/{subject.kind}", **number, reason="x")
    assert isinstance(instance.enforcer.apply(report(subject)), Refused)
    assert isinstance(instance.enforcer.apply(remove(subject)), Refused)
    assert instance.enforcer.verify(remove(subject)).so is False


def test_undone_report_is_resolved(town: Town, instance: Instance, subject: Subject) -> None:
    enforcer = instance.enforcer
    enforcer.apply(report(subject))
    assert isinstance(enforcer.revert(report(subject), {}), Done)
    assert reports(town, subject)[0]["resolved"]
    assert isinstance(enforcer.revert(report(subject), {}), AlreadyDone)


def test_report_that_the_removal_resolved_is_opened_again(town: Town, instance: Instance, subject: Subject) -> None:
    enforcer = instance.enforcer
    assert isinstance(enforcer.reopen(report(subject)), Refused)
    enforcer.apply(report(subject))
    assert isinstance(enforcer.reopen(report(subject)), AlreadyDone)
    enforcer.apply(remove(subject))
    assert reports(town, subject)[0]["resolved"]
    assert isinstance(enforcer.reopen(report(subject)), Done)
    assert not reports(town, subject)[0]["resolved"]
    assert enforcer.verify(remove(subject)).so


def test_report_that_a_human_resolved_stays_resolved(town: Town, instance: Instance, post: Subject) -> None:
    instance.enforcer.apply(report(post))
    number = reports(town, post)[0]["id"]
    town.call("admin", "PUT", "post/report/resolve", report_id=number, resolved=True)
    assert isinstance(instance.enforcer.reopen(report(post)), Refused)


def test_what_lemmy_cannot_report_is_not_offered(town: Town, instance: Instance, post: Subject) -> None:
    profile = Profile(instance=MAIN, local_id="3", uri="x", url="x")
    assert not instance.enforcer.offers(report(profile)).supported
    assert isinstance(instance.enforcer.apply(report(profile)), Refused)
    assert not instance.enforcer.offers(remove(profile)).supported
    hidden = Post(instance=MAIN, local_id="3", uri="x", url="x", visibility=Visibility.LOCAL)
    assert "local-only" in instance.enforcer.offers(report(hidden)).why_not


def test_text_that_the_slur_filter_refuses(town: Town, instance: Instance, post: Subject) -> None:
    town.call("admin", "PUT", "site", slur_filter_regex="automated")
    outcome = instance.enforcer.apply(report(post))
    assert isinstance(outcome, Refused)
    assert "slur filter" in outcome.note


# ----------------------------------------------------------------------------------------------------------- removals


def test_removal_and_its_undo(town: Town, instance: Instance, subject: Subject) -> None:
    enforcer = instance.enforcer
    before = enforcer.verify(remove(subject))
    assert (before.so, before.state) == (False, {"removed": False})
    assert isinstance(enforcer.apply(remove(subject)), Done)
    after = enforcer.verify(remove(subject))
    assert (after.so, after.by_us) == (True, True)
    assert isinstance(enforcer.revert(remove(subject), before.state), Done)
    assert enforcer.verify(remove(subject)).so is False
    assert isinstance(enforcer.revert(remove(subject), before.state), AlreadyDone)
    (rows,) = modlog(town).values()
    entries = [row[f"mod_remove_{subject.kind}"] for row in rows]
    assert [(entry["removed"], entry["reason"]) for entry in entries] == [(False, "Restored"), (True, TEXT)]


def test_removing_twice_writes_the_mod_log_once(town: Town, instance: Instance, subject: Subject) -> None:
    instance.enforcer.apply(remove(subject))
    again = instance.enforcer.apply(remove(subject))
    assert isinstance(again, AlreadyDone)
    assert again.by_us
    assert len(modlog(town)[f"removed_{subject.kind}s"]) == 1


def test_removal_by_somebody_else_is_theirs(town: Town, instance: Instance, subject: Subject) -> None:
    number = {f"{subject.kind}_id": int(subject.local_id)}
    town.call("admin", "POST", f"{subject.kind}/remove", **number, removed=True, reason="x")
    found = instance.enforcer.verify(remove(subject))
    assert (found.so, found.by_us, found.state) == (True, False, {"removed": True})
    outcome = instance.enforcer.apply(remove(subject))
    assert isinstance(outcome, AlreadyDone)
    assert not outcome.by_us
    assert isinstance(instance.enforcer.revert(remove(subject), found.state), Refused)
    assert instance.enforcer.verify(remove(subject)).so


def test_reason_is_never_empty(town: Town, instance: Instance, comment: Subject) -> None:
    instance.enforcer.apply(remove(comment, text=" "))
    assert modlog(town)["removed_comments"][0]["mod_remove_comment"]["reason"]


def test_comment_that_its_author_deleted_is_refused(town: Town, instance: Instance, comment: Subject) -> None:
    town.call("bob", "POST", "comment/delete", comment_id=int(comment.local_id), deleted=True)
    outcome = instance.enforcer.apply(remove(comment))
    assert isinstance(outcome, Refused)
    assert "author has deleted" in outcome.note


# --------------------------------------------------------------------------------------------------------------- bans


@pytest.mark.parametrize("days", [None, 7])
@pytest.mark.parametrize("make", [ban, community_ban])
def test_ban_and_its_undo(town: Town, instance: Instance, make: Any, days: int | None) -> None:
    enforcer, intent = instance.enforcer, make(town, days=days)
    before = enforcer.verify(intent)
    assert (before.so, before.state) == (False, {"banned": False, "ban_expires": None})
    assert isinstance(enforcer.apply(intent), Done)
    after = enforcer.verify(intent)
    assert (after.so, after.by_us) == (True, True)
    if days is None:
        assert after.state["ban_expires"] is None
    else:
        left = datetime.fromisoformat(after.state["ban_expires"]) - datetime.now(UTC)
        assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    again = enforcer.apply(intent)
    assert isinstance(again, AlreadyDone)
    assert again.by_us
    assert isinstance(enforcer.revert(intent, before.state), Done)
    assert enforcer.verify(intent).so is False
    assert isinstance(enforcer.revert(intent, before.state), AlreadyDone)
    (rows,) = modlog(town).values()
    assert len(rows) == 2


@pytest.mark.parametrize("make", [ban, community_ban])
def test_remove_data_is_never_sent(town: Town, instance: Instance, make: Any) -> None:
    number = town.post("bob", url=town.url(town.upload("bob")))
    enforcer, intent = instance.enforcer, make(town)
    before = enforcer.verify(intent).state
    enforcer.apply(intent)
    enforcer.revert(intent, before)
    shown = town.call("admin", "GET", "post", id=number)["post_view"]["post"]
    assert not shown["removed"]
    assert town.client("admin").get(shown["url"]).is_success


def test_ban_that_was_there_before_gets_its_end_back(town: Town, instance: Instance) -> None:
    until = int((datetime.now(UTC) + timedelta(days=3)).timestamp())
    person = town.box.people["bob"].id
    town.call("admin", "POST", "user/ban", person_id=person, ban=True, expires=until, reason="x")
    enforcer, forever = instance.enforcer, ban(town)
    before = enforcer.verify(forever)
    assert (before.so, before.by_us) == (False, False)
    assert isinstance(enforcer.apply(ban(town, days=1)), AlreadyDone)
    assert isinstance(enforcer.apply(forever), Done)
    assert enforcer.verify(forever).state["ban_expires"] is None
    assert isinstance(enforcer.revert(forever, before.state), Done)
    assert enforcer.verify(forever).state == before.state
    assert isinstance(enforcer.revert(forever, before.state), AlreadyDone)


def test_ban_that_would_have_run_out_meanwhile_is_lifted(town: Town, instance: Instance) -> None:
    instance.enforcer.apply(ban(town))
    before = {"banned": True, "ban_expires": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    assert isinstance(instance.enforcer.revert(ban(town), before), Done)
    assert instance.enforcer.verify(ban(town)).so is False


def test_nothing_is_put_back_by_guessing(town: Town, instance: Instance, post: Subject) -> None:
    assert isinstance(instance.enforcer.revert(ban(town), {}), Refused)
    assert isinstance(instance.enforcer.revert(remove(post), {}), Refused)


def test_earlier_admin_is_out_of_reach(town: Town, instance: Instance) -> None:
    outcome = instance.enforcer.apply(ban(town, "admin"))
    assert isinstance(outcome, Refused)
    assert outcome.code == "not_higher_admin"
    assert "human admin" in outcome.note


def test_account_that_is_not_there(town: Town, instance: Instance) -> None:
    intent = BanAccount(
        instance=MAIN,
        account=Account(instance=MAIN, local_id="9999", uri="x", handle="x", home_host="x", is_local=True),
    )
    assert isinstance(instance.enforcer.apply(intent), Refused)
    assert instance.enforcer.verify(intent).so is False


def test_ban_from_a_community_needs_one(town: Town, instance: Instance) -> None:
    assert not instance.enforcer.offers(ban(town, scope=Scope.COMMUNITY)).supported


# ------------------------------------------------------------------------------------------------------- when it fails


def deeds(town: Town, subject: Subject) -> list[tuple[Intent, str]]:
    return [
        (report(subject), f"/{subject.kind}/report$"),
        (remove(subject), f"/{subject.kind}/remove$"),
        (ban(town), "/user/ban$"),
        (community_ban(town), "/community/ban_user$"),
    ]


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        (drop(), Failed(note="", unknown=True)),
        (respond(500, '{"error":"unknown"}'), Failed(note="", unknown=True)),
        (respond(502, HTML, "text/html"), Failed(note="", unknown=True)),
        (respond(200, HTML, "text/html"), Failed(note="", unknown=True)),
        (respond(503, '{"error":"Lemmy is currently starting"}'), Failed(note="", unknown=True)),
        (respond(400, NO_CONNECTION), Failed(note="", unknown=True)),
        (respond(400, '{"error":"couldnt_update_user"}'), Failed(note="", unknown=True)),
        (respond(400, '{"error":"rate_limit_error"}'), Failed(note="", unknown=False)),
        (respond(429, HTML, "text/html"), Failed(note="", unknown=False)),
        (respond(400, '{"error":"not_an_admin"}'), Failed(note="", unknown=False)),
        (respond(400, '{"error":"something_new"}'), Refused(code="something_new")),
    ],
    ids=[
        "drop",
        "500",
        "502",
        "html",
        "starting",
        "no connection",
        "not written",
        "rate limit",
        "429",
        "demoted",
        "new code",
    ],
)
@pytest.mark.usefixtures("pauses")
def test_failed_deeds_have_outcomes_and_were_sent_once(
    town: Town, instance: Instance, post: Subject, action: Any, wanted: Failed | Refused
) -> None:
    for intent, path in deeds(town, post):
        town.box.faults.before("POST", path, action)
        outcome = instance.enforcer.apply(intent)
        assert type(outcome) is type(wanted)
        if isinstance(outcome, Failed) and isinstance(wanted, Failed):
            assert outcome.unknown == wanted.unknown
            assert outcome.note
        elif isinstance(outcome, Refused) and isinstance(wanted, Refused):
            assert outcome.code == wanted.code
        assert instance.enforcer.verify(intent).so is False
        assert isinstance(instance.enforcer.apply(intent), Done)


def test_comment_that_was_not_changed_although_its_author_has_not_deleted_it_is_tried_again(
    town: Town, instance: Instance, comment: Subject
) -> None:
    town.box.faults.before("POST", "/comment/remove$", respond(400, '{"error":"couldnt_update_comment"}'))
    outcome = instance.enforcer.apply(remove(comment))
    assert isinstance(outcome, Failed)
    assert outcome.unknown
    assert instance.enforcer.verify(remove(comment)).so is False
    assert isinstance(instance.enforcer.apply(remove(comment)), Done)


@pytest.mark.parametrize("action", [drop(), truncate(), respond(400, NO_CONNECTION)], ids=["drop", "truncate", "400"])
def test_lost_answers_are_found_out(town: Town, instance: Instance, post: Subject, action: Any) -> None:
    for intent, path in deeds(town, post):
        town.box.faults.after("POST", path, action)
        outcome = instance.enforcer.apply(intent)
        assert isinstance(outcome, Failed)
        assert outcome.unknown
        found = instance.enforcer.verify(intent)
        assert (found.so, found.by_us) == (True, True)
        assert isinstance(instance.enforcer.apply(intent), AlreadyDone)


def test_reads_before_a_deed_leave_nothing_unknown(town: Town, instance: Instance, post: Subject) -> None:
    instance.enforcer.verify(remove(post))
    for path, intent in (("/api/v3/post$", remove(post)), ("/api/v3/user$", ban(town))):
        town.box.faults.before("GET", path, respond(500), times=4)
        outcome = instance.enforcer.apply(intent)
        assert isinstance(outcome, Failed)
        assert not outcome.unknown
        town.box.faults.before("GET", path, respond(500), times=4)
        with pytest.raises(UnreachableError):
            instance.enforcer.verify(intent)


def test_server_that_is_down(town: Town, instance: Instance, post: Subject) -> None:
    elsewhere = town.connect(url="http://127.0.0.1:9", password=None, token="x")
    for intent, _ in deeds(town, post):
        outcome = elsewhere.enforcer.apply(intent)
        assert isinstance(outcome, Failed)
        assert not outcome.unknown


def test_revoked_token_during_a_deed(town: Town, instance: Instance, post: Subject) -> None:
    instance.enforcer.verify(report(post))
    state = town.box.state
    user = state.local_users[town.box.people["warden"].id].id
    for token in [token for token, row in state.tokens.items() if row.user_id == user]:
        town.box.revoke(token)
    assert isinstance(instance.enforcer.apply(report(post)), Done)


@pytest.mark.parametrize(
    "action", [drop(), respond(200, HTML, "text/html"), respond(400, '{"error":"rate_limit_error"}')]
)
def test_login_that_fails_on_the_way_leaves_nothing_unknown(
    town: Town, instance: Instance, post: Subject, action: Any
) -> None:
    instance.enforcer.verify(report(post))
    state = town.box.state
    user = state.local_users[town.box.people["warden"].id].id
    for token in [token for token, row in state.tokens.items() if row.user_id == user]:
        town.box.revoke(token)
    town.box.faults.before("POST", "/user/login", action)
    outcome = instance.enforcer.apply(report(post))
    assert isinstance(outcome, Failed)
    assert not outcome.unknown
    assert isinstance(instance.enforcer.apply(report(post)), Done)


def test_post_vanishes_between_look_and_deed(town: Town, instance: Instance, post: Subject) -> None:
    release, arrived = threading.Event(), threading.Event()
    town.box.faults.before("POST", "/post/remove$", hold(release, arrived))
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(instance.enforcer.apply(remove(post))))
    thread.start()
    assert arrived.wait(10)
    town.call("admin", "POST", "admin/purge/post", post_id=int(post.local_id), reason="x")
    release.set()
    thread.join()
    assert isinstance(outcomes[0], Refused)
    assert outcomes[0].code == "couldnt_find_post"


def test_kinds_of_subject(post: Subject, comment: Subject) -> None:
    assert isinstance(post, Post)
    assert isinstance(comment, Comment)
