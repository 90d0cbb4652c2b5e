from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from lemmy_town import picture
from mastodon_reading import connect
from mastodon_square import both
from raw_server import answer, serving

from adapters.sandbox.faults import respond
from bot.domain.content import InstanceId

if TYPE_CHECKING:
    from mastodon_square import Square

    from bot.ports import CheckResult

MAIN = InstanceId("main")


def checked(square: Square, **settings: Any) -> dict[str, CheckResult]:
    results = connect(square, **settings).instance.inspector.check()
    assert all(one.ok or one.remedy for one in results)
    found = {one.what: one for one in results}
    assert len(found) == len(results)
    return found


@both
def test_all_is_well_for_the_bot_with_its_narrow_scopes(square: Square) -> None:
    square.status()
    found = checked(square, webhook={"listen": "127.0.0.1:0", "secret": "s" * 16})
    assert [one.what for one in found.values() if not one.ok] == []
    assert found["server"].detail.startswith("Mastodon 4.")
    assert "warden" in found["token"].detail
    assert "none hidden" in found["local timeline"].detail
    assert "status.created" in found["webhook"].detail
    assert "to nobody but its owner" in found["unposted uploads"].detail
    assert any(what.startswith("removal") for what in found)


def test_a_dead_token_is_named_and_nothing_further_is_said(square: Square) -> None:
    found = checked(square, token="dead-token")
    assert list(found) == ["server", "token"]
    assert not found["token"].ok
    assert "Development" in found["token"].remedy


def test_missing_scopes_are_named_each_with_what_it_is_for(square: Square) -> None:
    found = checked(square, token="readonly")
    assert not found["scopes"].ok
    assert "write:reports (to report)" in found["scopes"].detail
    assert "admin:write:accounts" in found["scopes"].detail
    assert "read:statuses" not in found["scopes"].detail


def test_missing_permissions_are_named(square: Square) -> None:
    found = checked(square, who="alice", token="full")
    assert not found["role"].ok
    assert "Manage Reports and Manage Users" in found["role"].detail


def test_a_closed_feed_is_said(square: Square) -> None:
    instance = square.call("nobody", "GET", "/api/v2/instance")
    instance["configuration"]["timelines_access"] = {"live_feeds": {"local": "disabled", "remote": "public"}}
    square.box.faults.before("GET", "api/v2/instance", respond(200, json.dumps(instance)), times=50)
    found = checked(square)
    assert not found["local timeline"].ok
    assert "View live and topic feeds" in found["local timeline"].remedy
    assert found["remote timeline"].ok


def test_what_is_hidden_from_the_bot_is_counted(square: Square) -> None:
    square.status("alice")
    square.status("bob")
    square.status("alice")
    bob = square.box.people["bob"].id
    square.call("warden", "POST", f"/api/v1/accounts/{bob}/block")
    found = checked(square)
    assert not found["local timeline"].ok
    assert "1 of 3 posts are hidden" in found["local timeline"].detail
    assert "blocks" not in found  # the bot's scopes do not let it look


@pytest.mark.parametrize(("blocked", "ok"), [([], True), ([{"id": "1"}], False)])
def test_blocks_are_named_where_the_scopes_let_the_bot_look(square: Square, blocked: list[Any], ok: bool) -> None:
    for path in ("v1/blocks", "v1/mutes", "v1/domain_blocks"):
        rows = blocked if path == "v1/blocks" else []
        square.box.faults.before("GET", path, respond(200, json.dumps(rows)))
    assert checked(square, token="full")["blocks"].ok is ok


def test_an_error_is_no_word_on_blocks(square: Square) -> None:
    square.box.faults.before("GET", "v1/blocks", respond(500), times=9)
    assert not checked(square, token="full")["blocks"].ok


def test_an_address_that_is_not_the_servers_own_is_said(square: Square) -> None:
    found = checked(square, public_url="https://elsewhere.test")
    assert not found["address"].ok
    assert square.box.url in found["address"].remedy


def test_a_webhook_address_that_cannot_be_had_is_said(square: Square) -> None:
    found = checked(square, webhook={"listen": "192.0.2.1:80", "secret": "s" * 16})
    assert not found["webhook"].ok
    with socket.create_server(("127.0.0.1", 0)) as taken:  # the bot itself may be at work there
        port = taken.getsockname()[1]
        assert checked(square, webhook={"listen": f"127.0.0.1:{port}", "secret": "s" * 16})["webhook"].ok


def test_a_streaming_server_that_is_away_is_said(square: Square) -> None:
    square.box._streams.stop()
    assert not checked(square)["streaming"].ok
    assert checked(square, streaming={"enabled": False})["streaming"].ok


def test_a_role_that_demands_two_factor_login_is_told(square: Square) -> None:
    mine = square.client("warden").get("/api/v1/accounts/verify_credentials").json()
    mine["role"]["require_2fa"] = True
    square.box.faults.before("GET", "verify_credentials$", respond(200, json.dumps(mine)), times=50)
    assert "demands it" in checked(square)["two-factor login"].detail


@pytest.mark.parametrize(
    ("software", "words"),
    [
        ("gotosocial", "suspension"),
        ("akkoma", "removes single posts"),
        ("pleroma", "removes single posts"),
        ("sharkey", "no reports"),
    ],
)
def test_servers_of_other_kinds_are_known_by_nodeinfo(square: Square, software: str, words: str) -> None:
    told = {"software": {"name": software, "version": "1"}}
    square.box.faults.before("GET", "nodeinfo/2.0", respond(200, json.dumps(told)), times=50)
    found = checked(square)
    assert found["server"].ok
    assert words in found["server"].detail


def test_a_server_of_an_unknown_kind_is_not_promised_anything(square: Square) -> None:
    told = {"software": {"name": "somethingelse", "version": "1"}}
    square.box.faults.before("GET", "nodeinfo/2.0", respond(200, json.dumps(told)), times=50)
    assert not checked(square)["server"].ok


@pytest.mark.parametrize(
    "script", [answer(200, b"<html>hello</html>", "text/html"), answer(404, b"", "text/html"), answer(502, b"")]
)
def test_what_is_no_mastodon_is_said_in_words(square: Square, script: Any) -> None:
    with serving(script) as raw:
        (only,) = connect(square, url=raw.url).instance.inspector.check()
    assert (only.what, only.ok) == ("server", False)
    assert only.remedy


def test_repair_changes_nothing(square: Square) -> None:
    sent = {"avatar": ("a.png", picture(), "image/png")}
    square.client("warden").patch("/api/v1/accounts/update_credentials", files=sent).raise_for_status()
    before = square.client("warden").get("/api/v1/accounts/verify_credentials").json()
    connect(square).instance.inspector.repair()
    assert square.client("warden").get("/api/v1/accounts/verify_credentials").json() == before
