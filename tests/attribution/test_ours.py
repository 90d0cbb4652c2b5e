"""Two servers that are both ours: the first says whose a file is that the second shows by its address."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

import making
from adapters.lemmy.addresses import Addresses
from bot.attribution import Index
from bot.domain.content import Alias, InstanceId, MediaRef, Name, RemoteUrl, Role, Sighting, Subject, Upload
from bot.domain.errors import UnreachableError
from bot.domain.evidence import Attribution, How
from bot.ledger import open_ledger
from bot.pipeline.weighing import gather
from bot.ports import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.attribution import Known
    from bot.domain.content import Account
    from bot.policy import Facts

FIRST, SECOND = InstanceId("first"), InstanceId("second")
HOSTS = {FIRST: "first.example", SECOND: "second.example"}
FILE = Alias(instance=FIRST, value="abcdef.png")
ADDRESS = "https://first.example/pictrs/image/abcdef.png"
SHA, OTHER = "ab" * 32, "cd" * 32


class Server:
    """A Lemmy that reads addresses as Lemmy does, and knows what a test tells it."""

    def __init__(self, instance: InstanceId) -> None:
        addresses = Addresses(instance=instance, url=f"https://{HOSTS[instance]}")
        self.named, self._address = addresses.name_of, addresses.address
        self.uploads: dict[Name, Upload] = {}
        self.digests: dict[Name, str] = {}
        self.down = False
        self.asked = 0

    def address(self, name: Name) -> str:
        self._answer()
        return self._address(name)

    def uploader(self, name: Name) -> Upload | None:
        self._answer()
        return self.uploads.get(name)

    def digest(self, name: Name) -> str | None:
        return self.digests.get(name)

    def names(self, name: Name) -> list[Name]:
        return []

    def lists_all_uploads(self) -> bool:
        return True

    def _answer(self) -> None:
        self.asked += 1
        if self.down:
            raise UnreachableError("no answer", sent=False)


class Town:
    """Both servers, and a ledger."""

    def __init__(self) -> None:
        self.first, self.second = Server(FIRST), Server(SECOND)
        self.ledger = open_ledger("sqlite://", clock=making.StillClock())
        self.index = Index(self.ledger, {FIRST: self.first, SECOND: self.second})  # type: ignore[dict-item]

    def stored(self, by: str, name: Alias = FILE) -> Upload:
        return Upload(
            name=name, url=self.first.address(name), uploader=account(by, FIRST, at=FIRST), uploaded_at=making.NOW
        )

    def lists(self, by: str, name: Alias = FILE) -> None:
        self.ledger.record("", Batch(uploads=[self.stored(by, name)]), examine_uploads=False)

    def shows(self, subject: Subject, url: str = ADDRESS, sha256: str = SHA, role: Role = Role.ATTACHMENT) -> Name:
        """A place as the server of it tells, and the bytes that were found there."""
        server = self.first if subject.instance == FIRST else self.second
        name = server.named(url)
        seen = Sighting(subject=subject, media=MediaRef(url=url, role=role), name=name, seen_at=making.NOW)
        self.ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
        self.ledger.bind(name, sha256)
        return name

    def told(self, name: Name) -> Attribution:
        record = self.ledger.name(str(name))
        assert record is not None
        return self.index.about(record.file_id).attributions[name]


def account(name: str, home: InstanceId, *, at: InstanceId) -> Account:
    host = HOSTS[home]
    return making.account(
        name,
        instance=at,
        local_id=f"{name}-at-{at}",
        uri=f"https://{host}/u/{name}",
        handle=f"{name}@{host}",
        home_host=host,
        is_local=home == at,
    )


def post(number: int, author: str, home: InstanceId = FIRST, *, at: InstanceId = SECOND) -> Subject:
    return making.post(number, account(author, home, at=at), instance=at, uri=f"https://{HOSTS[home]}/post/{number}")


@pytest.fixture
def town() -> Iterator[Town]:
    made = Town()
    yield made
    made.ledger.close()


WAYS = [
    ADDRESS,
    f"{ADDRESS}?format=webp&thumbnail=96",
    "HTTPS://First.example:443/api/v4/image/abcdef.png",
    f"https://second.example/api/v3/image_proxy?url={quote(ADDRESS, safe='')}",
    f"https://first.example/api/v3/image_proxy?url={quote(ADDRESS, safe='')}",
]


@pytest.mark.parametrize("url", WAYS)
def test_neighbour_of_the_uploader_who_shows_a_file_on_our_other_server_is_not_named(town: Town, url: str) -> None:
    town.lists("alice")
    name = town.shows(post(1, "bob"), url)
    assert isinstance(name, RemoteUrl)
    told = town.told(name)
    assert (told.uploader, told.how) == (account("alice", FIRST, at=FIRST), How.LISTED)
    assert [key.local_id for key in told.subjects] == ["1"]


@pytest.mark.parametrize("role", [Role.ATTACHMENT, Role.INLINE, Role.THUMBNAIL, Role.LINK])
@pytest.mark.parametrize(("author", "home"), [("bob", FIRST), ("carol", SECOND)])
def test_file_of_ours_for_which_nobody_is_listed_is_nobodys_wherever_it_is_shown(
    town: Town, role: Role, author: str, home: InstanceId
) -> None:
    name = town.shows(post(1, author, home), role=role)
    assert (town.told(name).uploader, town.told(name).how) == (None, How.UNKNOWN)


def test_uploader_who_shows_it_there_himself_is_named_as_that_server_knows_him(town: Town) -> None:
    town.lists("alice")
    name = town.shows(post(1, "alice"))
    assert town.told(name).uploader == account("alice", FIRST, at=SECOND)
    assert town.told(name).how is How.LISTED


def test_file_of_a_server_that_is_not_ours_stays_its_neighbours(town: Town) -> None:
    author = replace(account("eve", FIRST, at=SECOND), home_host="far.example", uri="https://far.example/u/eve")
    name = town.shows(making.post(1, author, instance=SECOND), "https://far.example/pictrs/image/abcdef.png")
    assert (town.told(name).uploader, town.told(name).how) == (author, How.HOSTED_BY_AUTHORS_SERVER)


def test_copy_for_the_proxy_is_not_of_the_neighbour_who_shows_it_either(town: Town) -> None:
    shown = town.shows(post(1, "bob"), WAYS[3])
    copy = Alias(instance=SECOND, value="copied.png")
    town.ledger.bind(copy, SHA)
    assert (town.told(copy).uploader, town.told(copy).how) == (None, How.PROXIED_FOR)
    town.lists("alice")
    assert town.told(shown).uploader == town.told(copy).uploader == account("alice", FIRST, at=FIRST)


def test_thumbnail_that_the_other_server_made_of_it_is_not_of_the_neighbour_who_shows_it(town: Town) -> None:
    shown = town.shows(post(1, "bob"))
    thumbnail = town.shows(post(1, "bob"), "https://second.example/pictrs/image/fedcba.png", OTHER, Role.THUMBNAIL)
    for sha256 in (SHA, OTHER):
        file = town.ledger.file_by_sha256(sha256)
        assert file is not None
        town.ledger.save_scan(file.id, replace(making.evidence(), sha256=sha256, pdq="0" * 64))
    assert (town.told(thumbnail).uploader, town.told(thumbnail).how) == (None, How.UNKNOWN)
    town.lists("alice")
    assert (town.told(thumbnail).uploader, town.told(thumbnail).how) == (town.told(shown).uploader, How.THUMBNAIL_OF)


def test_what_another_server_of_ours_shows_is_no_copy_for_the_proxy(town: Town) -> None:
    town.shows(post(1, "bob"))
    town.ledger.bind(FILE, SHA)
    far = f"https://first.example/api/v3/image_proxy?url={quote('https://far.example/x.png', safe='')}"
    town.shows(post(2, "dave", SECOND, at=FIRST), far)
    assert (town.told(FILE).uploader, town.told(FILE).how) == (None, How.UNKNOWN)


def test_server_that_has_the_file_is_asked_who_stored_it_and_its_name_joins_the_others(town: Town) -> None:
    name = town.shows(post(1, "bob"))
    record = town.ledger.name(str(name))
    assert record is not None
    town.first.uploads[FILE] = town.stored("alice")
    town.first.digests[FILE] = SHA
    assert not town.index.asking.complete(record.file_id)
    assert town.told(name).uploader == town.told(FILE).uploader == account("alice", FIRST, at=FIRST)
    assert {one.name for one in town.ledger.names_of(record.file_id)} == {name, FILE}


def test_name_of_other_bytes_or_of_unknown_ones_is_looked_at_before_it_counts(town: Town) -> None:
    name = town.shows(post(1, "bob"))
    record = town.ledger.name(str(name))
    assert record is not None
    town.first.digests[FILE] = OTHER
    assert not town.index.asking.complete(record.file_id)
    assert [one.name for one in town.ledger.names_of(record.file_id)] == [name]
    assert town.ledger.backlog_size() == {"waiting/examine": 2}, "the address, and the name"


def test_while_that_server_cannot_be_asked_nobody_is_named_and_it_is_told(town: Town) -> None:
    name = town.shows(post(1, "bob"))
    record = town.ledger.name(str(name))
    assert record is not None
    town.first.down = True
    (trouble,) = town.index.asking.complete(record.file_id)
    assert isinstance(trouble, UnreachableError)
    assert town.told(name).uploader is None


def test_smaller_copy_that_is_shown_elsewhere_is_fetched_whole(town: Town) -> None:
    name = town.shows(post(1, "bob"), WAYS[1])
    record = town.ledger.name(str(name))
    assert record is not None
    assert list(town.index.addresses(record)) == [ADDRESS]
    town.first.down = True
    assert list(town.index.addresses(record)) == [WAYS[1]]


def facts_of(town: Town, known: Known) -> Facts:
    return gather(making.evidence(), known, library=town.ledger, rules=[], platforms={}, now=making.NOW)


def test_place_of_the_other_server_is_known_as_one_of_the_file_before_and_after_it_was_looked_at(town: Town) -> None:
    address = RemoteUrl(value=ADDRESS)
    file_id = town.ledger.bind(FILE, SHA)
    place = post(1, "carol", SECOND)
    seen = Sighting(subject=place, media=MediaRef(url=ADDRESS, role=Role.ATTACHMENT), name=address, seen_at=making.NOW)
    town.ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
    known = town.index.about(file_id)
    assert (list(known.sightings), list(known.elsewhere), known.ours) == ([], [seen], {address: FILE})
    assert [one.key for one in facts_of(town, known).shown_by_others] == [place.key]
    town.ledger.bind(address, SHA)
    known = town.index.about(file_id)
    assert (list(known.sightings), list(known.elsewhere), known.ours) == ([seen], [], {address: FILE})
    assert [one.key for one in facts_of(town, known).shown_by_others] == [place.key]


@pytest.mark.parametrize("looked_at", [True, False])
def test_index_that_asks_nobody_knows_whose_a_file_is_and_where_the_other_server_shows_it(
    town: Town, looked_at: bool
) -> None:
    town.lists("alice")
    file_id = town.ledger.bind(FILE, SHA)
    address, place = RemoteUrl(value=ADDRESS), post(1, "carol", SECOND)
    seen = Sighting(subject=place, media=MediaRef(url=ADDRESS, role=Role.ATTACHMENT), name=address, seen_at=making.NOW)
    town.ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
    if looked_at:
        town.ledger.bind(address, SHA)
    asked = town.first.asked
    silent = Index(town.ledger, {FIRST: town.first, SECOND: town.second}, asks=False)  # type: ignore[dict-item]
    known = silent.about(file_id)
    assert town.first.asked == asked
    assert {one.uploader.handle for one in known.attributions.values() if one.uploader} == {"alice@first.example"}
    assert [one.key for one in facts_of(town, known).shown_by_others] == [place.key]
    assert known == town.index.about(file_id)


def test_server_that_did_not_say_where_it_shows_files_is_asked_once_for_all_names_of_a_file(town: Town) -> None:
    for number in range(20):
        file_id = town.ledger.bind(replace(FILE, value=f"abcde{number}.png"), SHA)
    town.first.down = True
    assert not town.index.about(file_id).elsewhere
    assert town.first.asked == 1


def test_what_the_other_server_shows_is_fetched_before_the_file_itself(town: Town) -> None:
    name = town.shows(post(1, "bob"), WAYS[3])
    record = town.ledger.name(str(name))
    assert record is not None
    assert list(town.index.addresses(record)) == [WAYS[3], ADDRESS]
