"""Pictures that a text carries in itself are found, and read again where the text is read."""

from __future__ import annotations

import asyncio
import hashlib
import json
from base64 import b64encode
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lemmy_town import MAIN, NewTown, Town, picture

from adapters.embedded import address, decoded, page_of, within
from adapters.lemmy.addresses import Addresses, data_in
from adapters.markup import links
from adapters.sandbox.lemmy import LemmySandbox
from bot.domain.content import Post, ReportedMessage, Role, SitePage, SubjectKey
from bot.domain.evidence import Unscannable, UnscannableKind
from bot.media.fetch import HttpFetcher
from bot.ports import WITHIN, Fetched, PrivateHost

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.domain.content import Sighting
    from bot.ports import Instance

BYTES = b"GIF89a>?\xff\xfe"
CODED = b64encode(BYTES).decode()
DIGEST = hashlib.sha256(BYTES).hexdigest()


@pytest.mark.parametrize(
    "url",
    [
        f"data:image/gif;base64,{CODED}",
        f"DATA:image/gif;name=x ; BASE64 ,{CODED}",
        f"data:image/gif;base64,{quote(CODED, safe='')}",
        f"data:image/gif;base64,{CODED[:4]}%0A %09{CODED[4:]}",
        f"data:image/gif;base64,{CODED.rstrip('=')}",
        f"data:image/gif;base64,{CODED}#x",
        f"data:image/gif,{quote(BYTES)}",
    ],
)
def test_bytes_are_those_that_a_browser_reads(url: str) -> None:
    """Asked of Node 20, ``fetch``."""
    assert decoded(url) is not None
    assert decoded(url)[1] == BYTES  # type: ignore[index]


@pytest.mark.parametrize(
    "url", ["data:image/gif;base64", "data:image/gif;base64,A", "data:image/gif;base64,A*AA", "https://h.example/x,y"]
)
def test_what_no_browser_reads_stands_for_nothing(url: str) -> None:
    assert decoded(url) is None
    assert address("https://own.example/x", url) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("![a](data:image/gif;base64,{})", True),
        ("![a][1]\n\n[1]: <data:image/gif;base64,{}>", True),
        ("![a](&#100;ata&colon;image/gif;base64,{} 'emoji a')", True),
        ("`|![a](DATA:image/gif;base64,{})|\n-|-\n`", True),
        ('<img src=" da&#10;ta:image/gif;base64,{}">', True),
        ("[a](data:image/gif;base64,{})", False),
        ("see data:image/gif;base64,{}", False),
        ("![a](data:text/html;base64,{})", False),
    ],
)
def test_picture_in_a_text_is_found_where_it_is_shown(text: str, shown: bool) -> None:
    written = text.replace("{}", CODED)
    assert [link.shown for link in links(written, data=True)] == [True] * shown
    assert links(written) == []
    answer = json.dumps({"post_view": {"post": {"body": written, "name": "a post"}, "counts": [1, None]}}).encode()
    assert (within(answer, DIGEST) is not None) is shown


def test_picture_is_found_where_an_address_is_all_that_there_is() -> None:
    answer = json.dumps({"person_view": {"person": {"avatar": f"data:image/gif;base64,{CODED}"}}}).encode()
    assert within(answer, DIGEST) == ("image/gif", BYTES)


def test_picture_is_known_that_our_image_proxy_is_asked_for_however_often() -> None:
    url = f"data:image/gif;base64,{CODED}"
    for _ in range(3):
        assert data_in(url, "own.example") == f"data:image/gif;base64,{CODED}"
        url = f"https://own.example/api/v3/image_proxy?url={quote(url, safe='')}"


def test_what_nobody_can_read_again_has_an_address_all_the_same_so_that_it_is_told() -> None:
    own = Addresses(instance=MAIN, url="https://own.example")
    assert (
        own.reading(SubjectKey(instance=MAIN, kind=Post.kind, local_id="5")) == "https://own.example/api/v3/post?id=5"
    )
    for kind in (ReportedMessage.kind, SitePage.kind):
        assert own.reading(SubjectKey(instance=MAIN, kind=kind, local_id="5")) == "https://own.example/"


@pytest.mark.parametrize("answer", [b"", b"[" * 100_000, b"\xff", b'"![](data:image/gif,a)"', b"{}"])
def test_any_answer_may_come(answer: bytes) -> None:
    assert within(answer, DIGEST) is None


@pytest.fixture(params=[Town, NewTown])
def square(request: pytest.FixtureRequest) -> Iterator[Town]:
    with LemmySandbox(version="1.0" if request.param is NewTown else "0.19") as box:
        town = request.param(box)
        yield town
        town.close()


def fetch(town: Town, url: str) -> Fetched | Unscannable:
    (one,) = fetch_all(town, [url])
    return one


def fetch_all(town: Town, urls: Sequence[str]) -> list[Fetched | Unscannable]:
    async def run() -> list[Fetched | Unscannable]:
        where = urlsplit(town.box.url)
        own = PrivateHost(host=str(where.hostname), port=where.port or 80)
        fetcher = HttpFetcher(clock=town.clock, allowed=[own], within=within)
        try:
            return [await fetcher.fetch(url) for url in urls]
        finally:
            await fetcher.aclose()

    return asyncio.run(run())


def seen(instance: Instance) -> list[Sighting]:
    found: list[Sighting] = []
    for source in instance.sources:
        if source.name.endswith(("/posts", "/comments", "/profiles")):
            found.extend(source.poll(None).sightings)
    return [one for one in found if one.media.role in {Role.INLINE, Role.EMOJI}]


def test_picture_in_a_text_is_fetched_where_the_text_is_read(square: Town) -> None:
    pictures = {kind: picture() for kind in ("post", "comment", "community")} | {"profile": BYTES}
    written = {kind: f"![a](data:image/png;base64,{b64encode(one).decode()})" for kind, one in pictures.items()}
    old = square.api == "/api/v3"
    square.call("alice", "PUT", "user/save_user_settings" if old else "account/settings/save", bio=written["profile"])
    page = {"description" if old else "sidebar": written["community"]}
    square.call("admin", "PUT", "community", community_id=square.community, **page)
    number = square.post(body=written["post"])
    square.comment(number, written["comment"])
    found = {one.subject.kind: one for one in seen(square.connect(start_from=timedelta(days=1)))}
    assert found.keys() == pictures.keys()
    for kind, data in pictures.items():
        one = found[kind]
        assert len(one.media.url) < 200, "no picture is kept in the ledger"
        fetched = fetch(square, one.media.url)
        assert isinstance(fetched, Fetched)
        assert (fetched.data, fetched.declared_type) == (data, "image/png")


@given(st.text())
def test_any_text_may_stand_for_an_address(text: str) -> None:
    assert page_of(f"{text.replace('#', '')}#{WITHIN}{DIGEST}") == text.replace("#", "")
    assert page_of(text) is None


@pytest.mark.parametrize("by_proxy", [False, True])
def test_whoever_leads_to_a_picture_in_a_text_of_another_shows_nothing_of_it(square: Town, *, by_proxy: bool) -> None:
    square.post(body=f"![a](data:image/png;base64,{b64encode(picture()).decode()})")
    (one,) = seen(square.connect(start_from=timedelta(days=1)))
    proxy = "api/v3/image_proxy" if square.api == "/api/v3" else "api/v4/image/proxy"
    url = f"{square.box.url}/{proxy}?url={quote(one.media.url, safe='')}" if by_proxy else one.media.url
    square.comment(square.post("bob"), f"![a]({url})")
    found = seen(square.connect(start_from=timedelta(days=1)))
    assert len(found) == 2
    assert [each.subject.author for each in found if each.name == one.name] == [one.subject.author]


def test_picture_that_was_edited_out_of_a_text_is_gone(square: Town) -> None:
    number = square.post(body=f"![a](data:image/png;base64,{b64encode(picture()).decode()})")
    (one,) = seen(square.connect(start_from=timedelta(days=1)))
    square.call("alice", "PUT", "post", post_id=number, body="Nothing to see.")
    gone = fetch(square, one.media.url)
    assert isinstance(gone, Unscannable)
    assert gone.kind is UnscannableKind.GONE


def test_text_with_many_pictures_costs_no_more_calls_than_its_server_allows() -> None:
    with LemmySandbox(default_limits=True) as box:
        town = Town(box)
        town.post(body="".join(f"![a](data:image/gif,{number})" for number in range(200)))
        found = [one.media.url for one in seen(town.connect(start_from=timedelta(days=1)))]
        town.close()
        fetched = fetch_all(town, found)
    assert [one.data for one in fetched if isinstance(one, Fetched)] == [str(one).encode() for one in range(200)]
