"""Which Lemmy a sandbox is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adapters.sandbox.lemmy import LemmySandbox
from bot.domain.errors import ConfigError
from bot.wiring import serve_lemmy

if TYPE_CHECKING:
    from .visitors import Visitors


def test_there_are_two_versions() -> None:
    with pytest.raises(ConfigError, match=r"0\.19, 1\.0"):
        serve_lemmy("0.18", port=0, default_limits=False)


def announced(version: str) -> dict[str, Any]:
    box = LemmySandbox(version=version)
    try:
        return box.announcement()
    finally:
        box.stop()


def test_the_announcement_of_both_has_the_same_shape() -> None:
    old, new = announced("0.19"), announced("1.0")
    assert (old["version"], new["version"]) == ("0.19.20", "1.0.0-beta.1")
    assert list(old) == list(new)
    assert list(old["people"]) == list(new["people"])


def test_what_is_left_of_the_older_api_leads_nowhere(visitors: Visitors) -> None:
    here = visitors.community("alice")
    made = [visitors.post("alice", here)["id"] for _ in range(2)]
    remark = visitors.comment("bob", made[0])["id"]
    headers = {"Authorization": f"Bearer {visitors.box.people['bob'].jwt}"}

    def old(method: str, path: str, **details: Any) -> Any:
        answer = visitors.client.request(method, f"{visitors.box.url}/api/v3{path}", headers=headers, **details)
        return answer.raise_for_status().json()

    query = {"community_id": here, "sort": "New", "limit": 1}
    first = old("GET", "/post/list", params=query)
    assert [row["post"]["id"] for row in first["posts"]] == [made[1]]
    assert "next_page" not in first
    again = old("GET", "/post/list", params=query | {"page_cursor": f"P{made[1]:x}"})
    assert [row["post"]["id"] for row in again["posts"]] == [made[1]]
    for page in (1, 2):
        found = old("GET", "/comment/list", params={"community_id": here, "page": page})["comments"]
        assert [row["comment"]["id"] for row in found] == [remark]
    shown = old("GET", "/post", params={"id": made[0]})
    assert (shown["post_view"]["post"]["id"], shown["moderators"]) == (made[0], [])
    report = old("POST", "/post/report", json={"post_id": made[0], "reason": "a test"})
    assert report["post_report_view"]["post_report"]["id"] == 0
    assert len(visitors.get("alice", "/report/list", community_id=here)["items"]) == 1
    bob = visitors.box.people["bob"]
    assert old("POST", "/user/login", json={"username_or_email": "bob", "password": bob.password})["jwt"]
    for path in ("/post/report/list", "/user", "/comment", "/user/banned", "/admin/list_all_media"):
        assert visitors.client.get(f"{visitors.box.url}/api/v3{path}", headers=headers).status_code == 404
