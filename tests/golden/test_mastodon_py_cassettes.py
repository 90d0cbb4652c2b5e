"""What Mastodon.py recorded from a Mastodon 4.7.3, played against the sandbox of 4.6: somebody else's stories.

Keys, their order, types, statuses and links are the same; values are those of other people.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from adapters.sandbox.loopback import NO_AUTHORITIES
from adapters.sandbox.mastodon import MastodonSandbox

from .pictures import circles
from .replay import CAPTURES

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = CAPTURES / "mastodon.py-4.7"
STORIES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(_FOLDER.glob("*.json"))}
_PEOPLE = {"user": "alice", "admin": "admin", "other user": "bob"}
_SNOWFLAKE = re.compile(r"\d{15,}")


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[MastodonSandbox, httpx.Client]]:
    with (
        MastodonSandbox("4.6") as box,
        httpx.Client(verify=NO_AUTHORITIES, base_url=box.url, timeout=10) as client,
    ):
        yield box, client


@pytest.mark.parametrize("story", list(STORIES))
def test_story_is_told_alike(server: tuple[MastodonSandbox, httpx.Client], story: str) -> None:
    box, client = server
    met: dict[str, str] = {}
    found: list[str] = []
    for number, exchange in enumerate(STORIES[story]):
        request, recorded = exchange["request"], exchange["response"]
        answer = client.request(
            request["method"],
            _translated(request["path"], met),
            params=request.get("query"),
            data=_translated(request.get("form"), met),
            files={"file": ("x.jpg", circles(1, "JPEG"), "image/jpeg")} if "upload" in request else None,
            headers={"Authorization": f"Bearer {box.people[_PEOPLE[request['by']]].tokens['full']}"},
        )
        where = f"{number} {request['method']} {request['path']}"
        assert (where, answer.status_code) == (where, recorded["status"])
        found += [f"{where}: {one}" for one in _differences(recorded["body"], answer.json(), met)]
        for header, value in recorded["headers"].items():
            if _shape(value) != _shape(answer.headers.get(header, "").replace(box.url, "http://localhost:3000")):
                found.append(f"{where}: {header} {answer.headers.get(header)} for {value}")
    assert found == []


def _translated(value: Any, met: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _translated(one, met) for key, one in value.items()}
    if isinstance(value, list):
        return [_translated(one, met) for one in value]
    return _SNOWFLAKE.sub(lambda one: met.get(one[0], one[0]), value) if isinstance(value, str) else value


def _shape(link: str) -> str:
    """A header without the ids in it."""
    return re.sub(r"_id=\d+", "_id=N", link)


def _differences(recorded: Any, ours: Any, met: dict[str, str], where: str = "") -> list[str]:
    if recorded is None or ours is None:
        return []
    if type(recorded) is not type(ours):
        return [f"{where} is {ours!r} for {recorded!r}"]
    if isinstance(recorded, list):
        pairs = enumerate(zip(recorded, ours, strict=False))
        return [one for at, (left, right) in pairs for one in _differences(left, right, met, f"{where}[{at}]")]
    if not isinstance(recorded, dict):
        return []
    if "id" in recorded and isinstance(ours.get("id"), str):
        met[recorded["id"]] = ours["id"]
    found = [] if list(recorded) == list(ours) else [f"{where} has {list(ours)} for {list(recorded)}"]
    both = [key for key in recorded if key in ours]
    return found + [one for key in both for one in _differences(recorded[key], ours[key], met, f"{where}.{key}")]
