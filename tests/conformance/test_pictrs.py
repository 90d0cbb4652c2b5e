"""The internal API of pict-rs: which files there are, which names they have, and how they are made to go away."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from .pictures import FORMAT_PNG, StoredHash
from .stage import NO_SUCH_FILE, alias_of
from .waiting import eventually

if TYPE_CHECKING:
    from .people import Person
    from .server import Server
    from .stage import Stage

pytestmark = pytest.mark.conformance

INVALID_KEY = {"msg": "Invalid API Key", "code": "invalid-api-token"}
NO_ALIAS = {"msg": "Requested a file that doesn't exist", "code": "alias-not-found"}
ANSWERS = [
    ("GET", "/internal/hashes"),
    ("GET", f"/internal/aliases?alias={NO_SUCH_FILE}"),
    ("GET", f"/internal/identifier?alias={NO_SUCH_FILE}"),
    ("POST", f"/internal/purge?alias={NO_SUCH_FILE}"),
    ("POST", f"/internal/delete?alias={NO_SUCH_FILE}"),
]


def page(stage: Stage, **query: str | int) -> dict[str, Any]:
    answer = stage.pictrs.get("/internal/hashes", params=query)
    assert (answer.status_code, answer.json()["msg"]) == (200, "ok")
    found: dict[str, Any] = answer.json()["page"]
    return found


def entry_of(stage: Stage, alias: str) -> dict[str, Any]:
    [entry] = [entry for entry in page(stage, limit=20)["hashes"] if alias in entry["aliases"]]
    found: dict[str, Any] = entry
    return found


def names(stage: Stage, alias: str) -> set[str]:
    answer = stage.pictrs.get("/internal/aliases", params={"alias": alias})
    assert answer.status_code == 200, answer.text
    return set(answer.json()["aliases"])


def is_unknown(stage: Stage, alias: str) -> bool:
    answer = stage.pictrs.get("/internal/aliases", params={"alias": alias})
    return (answer.status_code, answer.json()) == (404, NO_ALIAS)


def is_not_served(stage: Stage, alias: str) -> bool:
    return stage.pictrs.get(f"/image/original/{alias}").status_code == 404


def test_health_is_ok(stage: Stage) -> None:
    assert stage.pictrs.get("/healthz").status_code == 200


@pytest.mark.parametrize(("method", "path"), ANSWERS)
@pytest.mark.parametrize("key", [{}, {"X-Api-Token": "wrong"}], ids=["no key", "wrong key"])
def test_internal_api_needs_the_key(key: dict[str, str], method: str, path: str, server: Server) -> None:
    answer = httpx.request(method, server.pictrs_url + path, headers=key)
    assert (answer.status_code, answer.json()) == (401, INVALID_KEY)


def test_files_are_listed_newest_first(stage: Stage) -> None:
    made = [stage.bare_picture().alias for _ in range(3)]
    found = page(stage, limit=20)
    entries = [entry["aliases"] for entry in found["hashes"]]
    assert [names for names in entries if names[0] in made] == [[alias] for alias in made[::-1]]
    assert found["limit"] == 20


def test_entry_carries_the_sha256_size_and_format_of_the_stored_file(stage: Stage) -> None:
    picture = stage.bare_picture()
    entry = entry_of(stage, picture.alias)
    stored = stage.pictrs.get(f"/image/original/{picture.alias}").content
    assert entry.keys() == {"hex", "aliases", "details"}
    assert StoredHash.from_bytes(bytes.fromhex(entry["hex"])) == StoredHash(
        sha256=hashlib.sha256(stored).hexdigest(), size=len(stored), format=FORMAT_PNG
    )


def test_entry_carries_details_of_the_picture(stage: Stage) -> None:
    details = entry_of(stage, stage.bare_picture().alias)["details"]
    assert (details["width"], details["height"], details["content_type"]) == (640, 480, "image/png")
    assert (details["frames"], details["format"]) == (None, "Image")
    assert details["created_at"].endswith("Z")


def path_of(stage: Stage, alias: str) -> str:
    answer = stage.pictrs.get("/internal/identifier", params={"alias": alias})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["identifier"])


def test_path_of_a_file_says_when_it_was_made_and_is_the_same_for_all_its_names(stage: Stage) -> None:
    picture = stage.bare_picture()
    path = path_of(stage, picture.alias)
    assert re.fullmatch(r"([0-9a-f]{2}/){10}[0-9a-f]{12}\.png", path)
    made = datetime.fromtimestamp(int(path.replace("/", "")[:12], 16) / 1000, UTC)
    written = datetime.fromisoformat(entry_of(stage, picture.alias)["details"]["created_at"])
    assert timedelta(seconds=-1) < written - made < timedelta(minutes=1)
    other = stage.bare_picture(stage.pictrs.get(f"/image/original/{picture.alias}").content)
    assert path_of(stage, other.alias) == path


def test_files_before_a_moment_are_listed(stage: Stage) -> None:
    first = stage.bare_picture()
    at = datetime.fromisoformat(entry_of(stage, first.alias)["details"]["created_at"])
    for moved, there in ((timedelta(minutes=1), True), (timedelta(seconds=-1), False)):
        moment = (at + moved).isoformat().replace("+00:00", "Z")
        found = page(stage, limit=50, timestamp=moment)["hashes"]
        assert any(first.alias in entry["aliases"] for entry in found) is there


def test_slug_leads_to_every_file_once(stage: Stage) -> None:
    made = [stage.bare_picture().alias for _ in range(5)]
    seen: list[str] = []
    slug: dict[str, str] = {}
    for _ in range(10):
        found = page(stage, limit=2, **slug)
        seen += [alias for entry in found["hashes"] for alias in entry["aliases"]]
        if "next" not in found:
            break
        slug = {"slug": found["next"]}
    assert [alias for alias in seen if alias in made] == made[::-1]
    assert len(seen) == len(set(seen))


def test_page_names_itself_and_its_neighbours(stage: Stage) -> None:
    for _ in range(3):
        stage.bare_picture()
    first = page(stage, limit=1)
    second = page(stage, limit=1, slug=first["next"])
    assert "prev" not in first
    assert (second["current"], second["prev"]) == (first["next"], first["current"])


def test_malformed_slug_is_page_one(stage: Stage) -> None:
    stage.bare_picture()
    assert page(stage, limit=1, slug="%%%")["hashes"] == page(stage, limit=1)["hashes"]


def test_time_before_everything_is_an_empty_page(stage: Stage) -> None:
    stage.bare_picture()
    found = page(stage, limit=1, timestamp="2001-01-01T00:00:00Z")
    assert found["hashes"] == []
    assert "current" not in found


def test_upload_of_known_bytes_adds_a_name_to_the_old_entry_and_does_not_move_it_up(stage: Stage) -> None:
    first = stage.bare_picture()
    newer = stage.bare_picture()
    again = stage.bare_picture(first.content)
    entries = [set(entry["aliases"]) for entry in page(stage, limit=20)["hashes"]]
    assert entries.index({newer.alias}) < entries.index({first.alias, again.alias})


def test_every_name_of_a_file_is_told_by_any_of_them(stage: Stage) -> None:
    first = stage.bare_picture()
    second = stage.bare_picture(first.content)
    for alias in (first.alias, second.alias):
        assert names(stage, alias) == {first.alias, second.alias}


def test_upload_through_lemmy_and_its_thumbnail_are_listed(stage: Stage, alice: Person, community: int) -> None:
    picture = stage.picture(alice)
    thumbnail = alias_of(stage.post(alice, community, url=picture.url)["post"]["thumbnail_url"])
    aliases = {alias for entry in page(stage, limit=50)["hashes"] for alias in entry["aliases"]}
    assert {picture.alias, thumbnail} <= aliases
    assert names(stage, picture.alias) == {picture.alias}


@pytest.mark.parametrize(("method", "path"), ANSWERS[1:])
def test_unknown_alias_is_alias_not_found(method: str, path: str, stage: Stage) -> None:
    answer = stage.pictrs.request(method, path)
    assert (answer.status_code, answer.json()) == (404, NO_ALIAS)


def test_unknown_proxied_address_is_proxy_not_found(stage: Stage) -> None:
    answer = stage.pictrs.get("/internal/aliases", params={"proxy": "http://127.0.0.1:9/never.png"})
    assert (answer.status_code, answer.json()["code"]) == (404, "proxy-not-found")


def test_question_without_an_alias_is_invalid(stage: Stage) -> None:
    answer = stage.pictrs.get("/internal/aliases")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-query")


def test_identifier_is_the_place_in_the_store_and_the_same_for_every_name(stage: Stage) -> None:
    first = stage.bare_picture()
    second = stage.bare_picture(first.content)
    places = set()
    for alias in (first.alias, second.alias):
        answer = stage.pictrs.get("/internal/identifier", params={"alias": alias})
        assert (answer.status_code, answer.json()["msg"]) == (200, "ok")
        places.add(answer.json()["identifier"])
    [place] = places
    assert re.fullmatch(r"([0-9a-f]{2}/){10}[0-9a-f]{12}\.png", place)


def test_original_is_served_with_range_head_and_etag(stage: Stage) -> None:
    picture = stage.bare_picture()
    path = f"/image/original/{picture.alias}"
    whole = stage.pictrs.get(path)
    part = stage.pictrs.get(path, headers={"Range": "bytes=0-99"})
    head = stage.pictrs.head(path)
    assert (whole.status_code, whole.headers["Content-Type"]) == (200, "image/png")
    assert (part.status_code, part.content) == (206, whole.content[:100])
    assert head.status_code == 200
    assert whole.headers["ETag"] == part.headers["ETag"] == head.headers["ETag"]


def test_original_that_never_was_is_not_found_without_a_body(stage: Stage) -> None:
    answer = stage.pictrs.get(f"/image/original/{NO_SUCH_FILE}")
    assert (answer.status_code, answer.content) == (404, b"")


def test_purge_answers_with_every_name_and_takes_them_all(stage: Stage) -> None:
    first = stage.bare_picture()
    second = stage.bare_picture(first.content)
    answer = stage.pictrs.post("/internal/purge", params={"alias": first.alias})
    assert (answer.status_code, answer.json()["msg"]) == (200, "ok")
    assert set(answer.json()["aliases"]) == {first.alias, second.alias}
    for alias in (first.alias, second.alias):
        eventually(lambda alias=alias: is_unknown(stage, alias), f"{alias} is unknown")
        eventually(lambda alias=alias: is_not_served(stage, alias), f"{alias} is not served")


def test_purged_file_leaves_the_listing(stage: Stage) -> None:
    picture = stage.bare_picture()
    stage.pictrs.post("/internal/purge", params={"alias": picture.alias})
    eventually(lambda: is_not_served(stage, picture.alias), "the file is gone")
    aliases = {alias for entry in page(stage, limit=50)["hashes"] for alias in entry["aliases"]}
    assert picture.alias not in aliases


def test_second_purge_is_alias_not_found(stage: Stage) -> None:
    picture = stage.bare_picture()
    stage.pictrs.post("/internal/purge", params={"alias": picture.alias})
    eventually(lambda: is_unknown(stage, picture.alias), "the alias is unknown")
    answer = stage.pictrs.post("/internal/purge", params={"alias": picture.alias})
    assert (answer.status_code, answer.json()) == (404, NO_ALIAS)


def test_purged_upload_is_gone_at_its_public_address_and_stays_in_the_list_of_media(
    stage: Stage, alice: Person, warden: Person, anonymous: Person
) -> None:
    picture = stage.picture(alice)
    stage.pictrs.post("/internal/purge", params={"alias": picture.alias})
    eventually(lambda: anonymous.fetch(picture.alias).status_code == 404, "the public address is gone")
    rows = warden.get("admin/list_all_media", limit=50).json()["images"]
    assert picture.alias in {row["local_image"]["pictrs_alias"] for row in rows}


def test_purge_of_an_upload_leaves_its_thumbnail(
    stage: Stage, alice: Person, community: int, anonymous: Person
) -> None:
    picture = stage.picture(alice)
    thumbnail = alias_of(stage.post(alice, community, url=picture.url)["post"]["thumbnail_url"])
    stage.pictrs.post("/internal/purge", params={"alias": picture.alias})
    eventually(lambda: anonymous.fetch(picture.alias).status_code == 404, "the public address is gone")
    assert anonymous.fetch(thumbnail).status_code == 200


def test_purged_bytes_can_be_uploaded_again(stage: Stage) -> None:
    picture = stage.bare_picture()
    stage.pictrs.post("/internal/purge", params={"alias": picture.alias})
    eventually(lambda: is_not_served(stage, picture.alias), "the file is gone")
    again = stage.bare_picture(picture.content)
    assert names(stage, again.alias) == {again.alias}
    assert stage.pictrs.get(f"/image/original/{again.alias}").status_code == 200


def test_delete_takes_one_name_and_leaves_the_others(stage: Stage) -> None:
    first = stage.bare_picture()
    second = stage.bare_picture(first.content)
    answer = stage.pictrs.post("/internal/delete", params={"alias": first.alias})
    assert (answer.status_code, answer.json()) == (200, {"msg": "ok"})
    eventually(lambda: is_not_served(stage, first.alias), "the name is gone")
    assert names(stage, second.alias) == {second.alias}
    assert stage.pictrs.get(f"/image/original/{second.alias}").content == second.content


def test_delete_of_the_last_name_takes_the_file(stage: Stage) -> None:
    picture = stage.bare_picture()
    stage.pictrs.post("/internal/delete", params={"alias": picture.alias})
    eventually(lambda: is_unknown(stage, picture.alias), "the alias is unknown")
    eventually(lambda: is_not_served(stage, picture.alias), "the file is gone")
