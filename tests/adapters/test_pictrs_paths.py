"""From a path in the file store to the name, the uploader and every place: the way that needs no database."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lemmy_town import MAIN, Town, picture

from adapters.lemmy import uploads
from adapters.pictrs import client, paths
from adapters.pictrs.paths import made_at
from adapters.sandbox.lemmy import LemmySandbox, respond
from adapters.sandbox.pictrs import store
from bot.attribution import Index
from bot.clock import SystemClock
from bot.domain.content import Alias, RemoteUrl, StorageKey
from bot.domain.decisions import PurgeFile
from bot.domain.errors import BadAnswerError
from bot.ledger import open_ledger
from bot.operate.who import who

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.ports import Instance


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with LemmySandbox(purge_delay=0.0) as box:
        built = Town(box)
        yield built
        built.close()


@pytest.fixture(scope="module")
def instance(town: Town) -> Instance:
    return town.connect()


@pytest.fixture(autouse=True)
def new_uploads_are_listed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "FRESH", -1.0)


def alias(value: str) -> Alias:
    return Alias(instance=MAIN, value=value)


def path_of(town: Town, name: str) -> str:
    return town.box.files.file(name).identifier


def asked(town: Town, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """For which names pict-rs is asked where they lie."""
    names: list[str] = []
    from adapters.pictrs.client import PictrsClient

    real = PictrsClient.identifier
    monkeypatch.setattr(PictrsClient, "identifier", lambda asking, name: names.append(name) or real(asking, name))
    return names


RECORDED = Path(__file__).parent.parent / "golden" / "captures" / "pictrs-0.5" / "api.json"
BEFORE = (
    "{}",
    "/mnt/files/{}",
    "pictrs/files/{}",
    "s3://bucket/{}",
    "file:///mnt/files/{}",
)


def test_path_of_the_newer_layout_says_where_to_look(
    town: Town, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [town.upload() for _ in range(4)]
    calls = asked(town, monkeypatch)
    for form in BEFORE:
        assert instance.resolver.locate(form.format(path_of(town, names[1]))) == alias(names[1])
    assert len(calls) <= 4 * len(BEFORE)
    elsewhere = f"https://evil.example/{path_of(town, names[1])}"
    assert instance.resolver.locate(elsewhere) == RemoteUrl(value=elsewhere), "a path on another host is not our file"


def test_path_of_an_older_layout_is_found_among_all(
    town: Town, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 2)
    with monkeypatch.context() as patch:
        patch.setattr(store, "_identifier", lambda *_: "000/013/247/kLmNoPqRsT")
        old = town.upload()
    for _ in range(3):
        town.upload()
    assert instance.resolver.locate("000/013/247/kLmNoPqRsT") == alias(old)
    assert instance.resolver.locate("/mnt/files/000/013/247/kLmNoPqRsT") == alias(old)
    assert instance.resolver.locate("/mnt/files/000/013/248/kLmNoPqRsT") is None


def test_alias_that_does_not_look_like_one_is_asked_for(
    town: Town, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was imported into pict-rs kept the name of its file."""
    name = "my holiday.backup.jpeg".replace(" ", "_")
    monkeypatch.setattr(client.PictrsClient, "aliases", lambda _, asked: [asked] if asked == name else [])
    assert instance.resolver.locate(name) == alias(name)
    assert instance.resolver.locate("another.backup.jpeg") is None


def test_path_of_a_store_that_was_moved_is_found_although_its_time_is_another(
    town: Town, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = "01/90/2f/3a/11/22/7a/bb/cc/dd/0123456789ab.png"
    assert made_at(moved) == datetime.fromtimestamp(0x01902F3A1122 / 1000, UTC)
    monkeypatch.setattr(store, "_identifier", lambda *_: moved)
    name = town.upload()
    assert instance.resolver.locate(moved) == alias(name)


def test_path_says_when_it_was_made_as_recorded() -> None:
    """The recorded pict-rs 0.5.24 wrote the file down a second later."""
    exchanges = {one["name"]: one["response"]["body"] for one in json.loads(RECORDED.read_text(encoding="utf-8"))}
    at = made_at(exchanges["identifier"]["identifier"])
    written = datetime.fromisoformat(exchanges["details"]["created_at"])
    assert at is not None
    assert timedelta(0) < written - at < timedelta(seconds=5)


def test_variant_and_what_is_gone_lead_nowhere(town: Town, instance: Instance) -> None:
    name = town.upload()
    path = path_of(town, name)
    beside = path.replace(path[-10:], "000000.png")
    assert instance.resolver.locate(beside) is None
    town.box.files.purge(name)
    assert instance.resolver.locate(path) is None


def test_digest_leads_to_the_name_without_a_download(town: Town, instance: Instance) -> None:
    name = town.upload()
    digest = hashlib.sha256(town.box.files.file(name).data).hexdigest()
    assert instance.resolver.locate(digest.upper()) == alias(name)
    assert instance.resolver.locate("0" * 64) is None


def test_path_is_among_the_names_of_a_file(town: Town, instance: Instance) -> None:
    content = picture()
    one, other = town.upload("alice", content), town.upload("bob", content)
    key = StorageKey(instance=MAIN, value=path_of(town, one))
    assert instance.resolver.names(alias(one)) == [alias(other), key]
    assert instance.resolver.address(key) == ""
    assert instance.resolver.uploader(key) is None


def test_copy_for_the_image_proxy_is_found_by_its_origin(town: Town, instance: Instance) -> None:
    url = town.box.remote_file(picture())
    assert instance.resolver.names(RemoteUrl(value=url)) == []
    town.box.files.ingest_proxied(url, picture())
    (copy,) = instance.resolver.names(RemoteUrl(value=url))
    assert isinstance(copy, Alias)
    assert copy.value == town.box.files.proxied(url)


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("?format=png&thumbnail=96", "?format=png"),
        ("?a=%2541", "?a=%41"),
        ("?a=b%26c", "?a=b&c"),
        ("?a=b+c", "?a=b%20c"),
    ],
)
def test_copy_that_readers_are_shown_is_found_by_the_address_in_the_post(
    town: Town, instance: Instance, query: str, asked: str
) -> None:
    url = town.box.remote_file(picture())
    shown = alias((town.box.files.ingest_proxied(url + asked, picture()) and town.box.files.proxied(url + asked)) or "")
    assert instance.resolver.names(RemoteUrl(value=url + query)) == [shown]
    town.box.files.ingest_proxied(url + query, picture())
    assert set(instance.resolver.names(RemoteUrl(value=url + query))) == {
        shown,
        alias(town.box.files.proxied(url + query) or ""),
    }


def test_file_that_is_purged_while_it_is_next_ends_no_search(
    town: Town, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pict-rs answers a place that it does not know with the first page."""
    monkeypatch.setattr(client, "PAGE", 2)
    with monkeypatch.context() as patch:
        patch.setattr(store, "_identifier", lambda *_: "000/013/249/kLmNoPqRsT")
        old = town.upload()
    newer = [town.upload() for _ in range(6)]
    calls: list[str] = []
    real = client.PictrsClient.identifier

    def purging(asking: client.PictrsClient, name: str) -> str | None:
        calls.append(name)
        if len(calls) == 2:
            town.box.files.purge(newer[-3])  # with which the next page begins
        return real(asking, name)

    monkeypatch.setattr(client.PictrsClient, "identifier", purging)
    assert instance.resolver.locate("000/013/249/kLmNoPqRsT") == alias(old)
    assert newer[-3] not in calls
    assert len(calls) == len(set(calls)) == 6, "and nobody is asked twice"


def test_listing_that_leads_in_a_circle_ends_and_does_not_say_that_nothing_is_there(
    town: Town, instance: Instance
) -> None:
    page = f'{{"msg":"ok","page":{{"limit":1,"next":"xyz","hashes":[{{"hex":"{"0" * 78}","aliases":[]}}]}}}}'
    town.box.faults.before("GET", "/internal/hashes", respond(200, page), times=50)
    with pytest.raises(BadAnswerError, match="in a circle"):
        instance.resolver.locate("1" * 64)
    town.box.faults.clear()


def test_row_that_cannot_be_read_hides_no_other(town: Town, instance: Instance) -> None:
    page = f'{{"msg":"ok","page":{{"hashes":[{{"hex":1}},{{"hex":"{"2" * 78}","aliases":["two.png"]}}]}}}}'
    town.box.faults.before("GET", "/internal/hashes", respond(200, page), times=2)
    assert instance.resolver.locate("2" * 64) == alias("two.png")
    with pytest.raises(BadAnswerError, match="not in the shape"):
        instance.resolver.locate("3" * 64)
    town.box.faults.clear()


@pytest.mark.parametrize("body", ['{"msg":"ok"}', '{"page":{"hashes":[{"hex":1}]}}', '{"page":{"hashes":[null]}}'])
def test_other_listings_are_told(town: Town, instance: Instance, body: str) -> None:
    town.box.faults.before("GET", "/internal/hashes", respond(200, body), times=1)
    with pytest.raises(BadAnswerError):
        instance.resolver.locate("1" * 64)


def test_older_versions_name_no_aliases_of_what_is_gone(town: Town, instance: Instance) -> None:
    """They answer with an empty list where newer ones answer 404: then the public address has the last word."""
    name = town.upload()
    purge = PurgeFile(instance=MAIN, name=alias(name), url=town.url(name))
    town.box.faults.before("GET", "/internal/aliases", respond(200, '{"msg":"ok","aliases":[]}'), times=2)
    found = instance.enforcer.verify(purge)
    assert (found.so, found.detail.startswith("gone at the store")) == (False, True)
    town.box.files.purge(name)
    assert instance.enforcer.verify(purge).so is True
    town.box.faults.clear()


def test_bound_of_a_search_holds(town: Town, instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "PATHS_ASKED", 3)
    for _ in range(4):
        town.upload()
    calls = asked(town, monkeypatch)
    assert instance.resolver.locate("ab/cd/notthere1") is None
    assert len(calls) == 3


def test_from_a_path_to_the_uploader_and_every_place(town: Town, instance: Instance) -> None:
    """Nothing has been watched so far: all of it is asked of the servers now."""
    content = picture()
    one, other = town.upload("carol", content), town.upload("dave", content)
    post = town.post("alice", url=town.url(one))
    said = town.comment(post, f"![c]({town.url(other)})", "bob")
    ledger = open_ledger("sqlite://", clock=SystemClock())
    instances = {MAIN: instance}
    index = Index(ledger, {MAIN: instance.resolver})
    (found,) = who(ledger, index, instances, f"/mnt/files/{path_of(town, one)}")
    told = {
        name.value: attribution.uploader.handle.split("@")[0]
        for name, attribution in found.known.attributions.items()
        if attribution.uploader is not None
    }
    assert told == {one: town.name("carol"), other: town.name("dave")}
    assert {str(s.subject.key) for s in found.known.sightings} == {f"main/post/{post}", f"main/comment/{said}"}
    key = StorageKey(instance=MAIN, value=path_of(town, one))
    assert found.known_by(key) == ["file store"]
    assert found.known_by(alias(one)) == ["seen", "listed"]
    assert found.unasked == []
    assert [one.file.id for one in who(ledger, index, instances, key.value)] == [found.file.id]
    assert [one.file.id for one in who(ledger, index, instances, found.file.sha256 or "")] == [found.file.id]
    ledger.close()


def test_what_could_not_be_searched_is_told(town: Town, instance: Instance) -> None:
    name = town.upload()
    ledger = open_ledger("sqlite://", clock=SystemClock())
    town.box.faults.before("GET", "/api/v3/search", respond(500), times=100)
    (found,) = who(ledger, Index(ledger, {MAIN: instance.resolver}), {MAIN: instance}, name)
    town.box.faults.clear()
    assert "could not be searched" in found.unasked[0]
    assert found.known.attributions[alias(name)].uploader is not None
    ledger.close()


def test_file_of_this_machine_is_known_by_its_bytes(town: Town, instance: Instance, tmp_path) -> None:  # type: ignore[no-untyped-def]
    name = town.upload()
    copy = tmp_path / "0a1b2c3d"
    copy.write_bytes(town.box.files.file(name).data)
    ledger = open_ledger("sqlite://", clock=SystemClock())
    (found,) = who(ledger, Index(ledger, {MAIN: instance.resolver}), {MAIN: instance}, str(copy))
    assert alias(name) in found.known.attributions
    ledger.close()
