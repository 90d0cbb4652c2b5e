"""Lists for moderators: filters, blocks, figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .square import Square


def _names(square: Square, version: int, **filters: str) -> list[str]:
    return [one["username"] for one in square.get("warden/bot", f"/api/v{version}/admin/accounts", **filters)]


def test_old_list_has_local_accounts_in_use_unless_asked_otherwise(square: Square) -> None:
    square.box.federation.account("rita")
    square.act("alice", "suspend")
    assert "rita" not in _names(square, 1)
    assert "alice" not in _names(square, 1)
    assert _names(square, 1, remote="true") == ["rita"]
    assert _names(square, 1, suspended="true") == ["alice"]


def test_new_list_has_everybody_and_filters_by_value(square: Square) -> None:
    square.box.federation.account("rita")
    square.act("alice", "silence")
    assert len(_names(square, 2)) == 13
    assert _names(square, 2, origin="remote") == ["rita"]
    assert _names(square, 2, status="silenced") == ["alice"]
    assert _names(square, 2, permissions="staff") == ["warden", "mod", "chief", "admin"]
    assert _names(square, 2, username="hei") == ["heidi"]
    assert _names(square, 2, by_domain="remote.test") == ["rita"]


def test_both_kinds_of_reports_are_listed_since_4_6(older: Square, newer: Square) -> None:
    for square, wanted in ((older, {"1"}), (newer, {"1", "2"})):
        square.report("bob", "alice")
        square.report("bob", "carol")
        square.send("warden/bot", "/api/v1/admin/reports/1/resolve")
        found = square.get("warden/bot", "/api/v1/admin/reports", resolved="true", unresolved="true")
        assert {report["id"] for report in found} == wanted


def test_second_block_of_a_server_shows_the_first(square: Square) -> None:
    place = "/api/v1/admin/domain_blocks"
    first = square.send("admin", place, domain="bad.test", severity="noop", reject_media=True)
    answer = square.call("admin", "POST", place, json={"domain": "bad.test"})
    assert answer.status_code == 422
    assert answer.json()["existing_domain_block"] == first
    assert square.send("admin", f"{place}/{first['id']}", "PUT", severity="silence")["severity"] == "silence"
    assert square.send("admin", f"{place}/{first['id']}", "DELETE") == {}
    assert square.refusal("admin", f"{place}/{first['id']}", "DELETE") == (404, "Record not found")


def test_block_of_addresses_ends(square: Square) -> None:
    place = "/api/v1/admin/ip_blocks"
    fields = {"ip": "192.0.2.0/24", "severity": "no_access", "expires_in": 3600}
    made = square.send("admin", place, **fields)
    lasts = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert abs(lasts - timedelta(hours=1)) < timedelta(seconds=1)
    assert square.refusal("admin", place, **fields) == (422, "Validation failed: Ip has already been taken")


def test_figures_by_day_and_the_total_without_the_last_day(square: Square) -> None:
    square.report("bob", "alice")
    today = datetime.now(UTC).date()
    span = {"start_at": str(today - timedelta(days=2)), "end_at": str(today)}
    (found,) = square.send("admin", "/api/v1/admin/measures", keys=["opened_reports"], **span)
    assert (found["key"], found["unit"], found["total"]) == ("opened_reports", None, "0")
    assert [line["value"] for line in found["data"]] == ["0", "0", "1"]


def test_figures_without_dates(older: Square, newer: Square) -> None:
    asked = {"keys": ["opened_reports"]}
    answer = older.call("admin", "POST", "/api/v1/admin/measures", json=asked)
    assert (answer.status_code, answer.content) == (500, b"")
    assert newer.refusal("admin", "/api/v1/admin/measures", **asked)[0] == 400
