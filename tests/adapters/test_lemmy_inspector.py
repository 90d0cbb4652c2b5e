from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from adapters.lemmy.inspector import CALLS_PER_TAKEDOWN, LemmyInspector
from adapters.sandbox.lemmy import respond

if TYPE_CHECKING:
    from lemmy_town import Town

    from bot.ports import CheckResult, Instance


def bad(instance: Instance) -> dict[str, CheckResult]:
    wrong = {result.what: result for result in instance.inspector.check() if not result.ok}
    for result in wrong.values():
        assert result.detail
        assert result.remedy
    return wrong


def inspector(instance: Instance) -> LemmyInspector:
    found: LemmyInspector = instance.inspector._inspectors[0]  # type: ignore[attr-defined]
    return found


def test_all_is_well_after_repair(town: Town, instance: Instance) -> None:
    inspector(instance).repair()
    results = instance.inspector.check()
    assert all(result.ok for result in results)
    assert {result.what for result in results} >= {"version", "login", "admin", "rate limits", "pict-rs", "seniority"}
    (seniority,) = [result for result in results if result.what == "seniority"]
    assert "admin" in seniority.detail


def test_settings_that_hide_things(town: Town, instance: Instance) -> None:
    town.call(
        "warden", "PUT", "user/save_user_settings", show_nsfw=False, show_bot_accounts=False, discussion_languages=[1]
    )
    wrong = bad(instance)
    assert set(wrong) == {"account settings", "languages"}
    assert "show_nsfw" in wrong["account settings"].detail
    inspector(instance).repair()
    assert all(result.ok for result in inspector(instance).check() if result.what == "account settings")


def test_server_that_is_not_there(town: Town) -> None:
    wrong = bad(town.connect(url="http://127.0.0.1:9"))
    assert set(wrong) == {"server"}
    assert "127.0.0.1:9" in wrong["server"].remedy


def test_wrong_password(town: Town) -> None:
    wrong = bad(town.connect(password="wrong"))
    assert "check `username`" in wrong["login"].remedy
    assert "version" not in wrong


def test_not_an_admin(town: Town, instance: Instance) -> None:
    town.box.demote("warden")
    assert "make warden an admin" in bad(instance)["admin"].remedy


def test_wrong_key_and_pictrs_down(town: Town, instance: Instance) -> None:
    wrong = bad(town.connect(pictrs={"url": town.box.pictrs_url, "api_key": "wrong"}))
    assert "PICTRS__SERVER__API_KEY" in wrong["pict-rs"].remedy
    town.box.stop_pictrs()
    assert "pict-rs" in bad(instance)


@pytest.mark.parametrize(
    ("version", "word"), [("1.0.0-beta.1", "upgraded a moment ago"), ("0.19.3", "update Lemmy"), ("x", "update Lemmy")]
)
def test_other_versions(town: Town, instance: Instance, version: str, word: str) -> None:
    site = town.call("warden", "GET", "site") | {"version": version}
    town.box.faults.before("GET", "/api/v3/site", respond(200, json.dumps(site)), times=9)
    assert word in bad(instance)["version"].remedy


@pytest.mark.parametrize(("seconds", "word"), [(60, "s ahead of"), (-60, "s behind")])
def test_clock_of_another_time(town: Town, instance: Instance, seconds: int, word: str) -> None:
    assert "clock" not in bad(instance)
    town.clock.offset = timedelta(seconds=seconds)
    assert word in bad(instance)["clock"].detail


def test_low_limits(town: Town, instance: Instance) -> None:
    town.call("admin", "PUT", "site", rate_limit_message=CALLS_PER_TAKEDOWN * 2, rate_limit_message_per_second=60)
    assert "about 2 full takedowns a minute" in bad(instance)["rate limits"].detail


def test_server_under_another_name(town: Town) -> None:
    wrong = bad(town.connect(public_url="https://elsewhere.invalid"))
    assert f"public_url: {town.box.url}" in wrong["address"].remedy
    assert "public address" in wrong


@pytest.mark.parametrize(
    "answer", [respond(200, "<html>", "text/html"), respond(200, "{}"), respond(500), respond(200, "[]"), respond(429)]
)
@pytest.mark.usefixtures("pauses")
def test_anything_else_at_the_address(town: Town, instance: Instance, answer: object) -> None:
    town.box.faults.before("GET", "/api/v3/", answer, times=1000)  # type: ignore[arg-type]
    assert set(bad(instance)) >= {"server"}


def test_blocks_hide_people(town: Town, instance: Instance) -> None:
    town.call("warden", "POST", "user/block", person_id=town.box.people["bob"].id, block=True)
    assert "blocks" in bad(instance)


def test_repair_lifts_blocks_and_follows_what_is_hidden(town: Town, instance: Instance) -> None:
    town.call("warden", "POST", "user/block", person_id=town.box.people["bob"].id, block=True)
    town.call("warden", "POST", "community/block", community_id=town.community, block=True)
    town.call("admin", "PUT", "community/hide", community_id=town.community, hidden=True)
    wrong = bad(instance)
    assert town.community_name in wrong["hidden communities"].detail
    assert "person_blocks, community_blocks" in wrong["blocks"].detail
    inspector(instance).repair()
    assert not {"blocks", "hidden communities"} & set(bad(instance))
    cursor = instance.sources[0].poll(None).cursor
    number = town.post("bob", url=town.url(town.upload("bob")))
    seen = instance.sources[0].poll(cursor).sightings
    assert str(number) in {one.subject.local_id for one in seen if one.subject.kind == "post"}


def looked(instance: Instance, *, mend: bool) -> dict[str, CheckResult]:
    assert instance.account is not None
    return {result.what: result for result in instance.account.look(mend=mend)}


def test_account_is_put_right_while_the_bot_runs(town: Town, instance: Instance) -> None:
    town.call(
        "warden", "PUT", "user/save_user_settings", show_bot_accounts=False, discussion_languages=[1], bot_account=False
    )
    town.call("admin", "PUT", "community/hide", community_id=town.community, hidden=True)
    only_told = looked(instance, mend=False)
    assert {what for what, result in only_told.items() if not result.ok} == {"account settings", "hidden communities"}
    mended = looked(instance, mend=True)
    assert all(result.ok for result in mended.values())
    assert "show_bot_accounts" in mended["account settings"].detail
    assert "discussion_languages" in mended["account settings"].detail
    assert town.community_name in mended["hidden communities"].detail
    assert all(result.ok for result in looked(instance, mend=False).values())
    me = town.call("warden", "GET", "site")["my_user"]["local_user_view"]["person"]
    assert me["bot_account"] is False  # what hides nothing is left as it is


def test_account_that_lost_its_rights_or_blocks_somebody_is_told(town: Town, instance: Instance) -> None:
    town.call("warden", "POST", "user/block", person_id=town.box.people["bob"].id, block=True)
    town.box.demote("warden")
    wrong = {what: result for what, result in looked(instance, mend=True).items() if not result.ok}
    assert set(wrong) >= {"admin", "blocks"}
    assert all(result.remedy for result in wrong.values())
    assert town.call("warden", "GET", "site")["my_user"]["person_blocks"]  # somebody made them on purpose


@pytest.mark.parametrize("answer", [respond(500), respond(200, "<html>", "text/html"), respond(200, "{}")])
def test_account_that_cannot_be_looked_at_is_a_line(town: Town, instance: Instance, answer: object) -> None:
    town.box.faults.before("GET", "/api/v3/", answer, times=1000)  # type: ignore[arg-type]
    (line,) = looked(instance, mend=True).values()
    assert not line.ok


def test_settings_that_cannot_be_set_are_told(town: Town, instance: Instance) -> None:
    town.call("warden", "PUT", "user/save_user_settings", show_nsfw=False)
    town.box.faults.before("PUT", "save_user_settings", respond(400, '{"error":"unknown"}'))
    line = looked(instance, mend=True)["account settings"]
    assert (line.ok, "show_nsfw" in line.detail) == (False, True)
