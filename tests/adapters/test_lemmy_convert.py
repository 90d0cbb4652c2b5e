"""What real servers said (``golden/*.wire.json``), and what it means to us (``golden/*.domain.json``)."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from adapters.lemmy.addresses import Addresses
from adapters.lemmy.convert import EARLIEST, LATEST, Converter, moment
from bot.domain.content import Alias, InstanceId, Role
from bot.domain.errors import BadAnswerError

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.name.removesuffix(".wire.json") for path in GOLDEN.glob("*.wire.json"))
SEEN = datetime(2026, 11, 22, 12, tzinfo=UTC)


def converter(url: str = "http://lemmy-alpha:8541") -> Converter:
    return Converter(addresses=Addresses(instance=InstanceId("main"), url=url))


def converted(kind: str, view: Any, convert: Converter) -> Any:
    match kind:
        case "post":
            return convert.post(view), convert.seen_in_post(view, at=SEEN, backlog=False)
        case "comment":
            return convert.comment(view), convert.seen_in_comment(view, at=SEEN, backlog=False)
        case "profile":
            return convert.profile(view), convert.seen_in_profile(view, at=SEEN, backlog=True)
        case "community":
            return convert.community_page(view), convert.seen_in_community(view, at=SEEN, backlog=False)
        case "upload":
            return convert.upload(view, staff=frozenset({3}), backlog=True), ()
        case _:
            raise AssertionError(kind)


def plain(value: Any) -> Any:
    """A value of the domain as JSON, with the kind of everything that has one."""
    if dataclasses.is_dataclass(value):
        fields = {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"is": type(value).__name__} | fields
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    wire = json.loads((GOLDEN / f"{case}.wire.json").read_text())
    host = "http://lemmy-beta:8551" if "proxied" in case else "http://lemmy-alpha:8541"
    subject, sightings = converted(wire["kind"], wire["view"], converter(host))
    for sighting in sightings:
        assert sighting.subject == subject
    shown = [{key: value for key, value in plain(one).items() if key != "subject"} for one in sightings]
    wanted = json.loads((GOLDEN / f"{case}.domain.json").read_text())
    assert {"subject": plain(subject), "sightings": shown} == wanted


def test_there_are_cases() -> None:
    assert len(CASES) >= 15


def wire(case: str) -> dict[str, Any]:
    view: dict[str, Any] = json.loads((GOLDEN / f"{case}.wire.json").read_text())["view"]
    return view


@pytest.mark.parametrize("field", ["url", "thumbnail_url", "body", "alt_text"])
def test_revision_follows_what_changes_the_media(field: str) -> None:
    view = wire("post-own-upload")
    before = converter().post(view).revision  # type: ignore[arg-type]
    assert converter().post(view).revision == before  # type: ignore[arg-type]
    view["post"][field] = "changed"
    assert converter().post(view).revision != before  # type: ignore[arg-type]


def test_votes_change_nothing() -> None:
    view = wire("post-own-upload")
    before = converter().post(view)  # type: ignore[arg-type]
    view["counts"]["score"] += 5
    assert converter().post(view) == before  # type: ignore[arg-type]


def test_pages_of_author_and_community_come_along() -> None:
    view = wire("comment-with-picture")
    view["creator"]["avatar"] = "http://lemmy-alpha:8541/pictrs/image/avatar01.png"
    seen = converter().seen_around(view, at=SEEN, backlog=False)  # type: ignore[arg-type]
    assert {(one.subject.kind, one.media.role) for one in seen} == {
        ("profile", Role.AVATAR),
        ("community", Role.AVATAR),
        ("community", Role.INLINE),
    }


def test_article_is_no_media() -> None:
    view = wire("post-text-only")
    view["post"] |= {
        "url": "https://news.example/article",
        "url_content_type": "text/html",
        "body": "https://x.example/y",
    }
    assert converter().seen_in_post(view, at=SEEN, backlog=False) == []  # type: ignore[arg-type]


def test_files_without_a_telling_name_are_media_by_their_declared_type() -> None:
    view = wire("post-text-only")
    view["post"] |= {"url": "https://pics.example/?id=7", "url_content_type": "image/png"}
    (one,) = converter().seen_in_post(view, at=SEEN, backlog=False)  # type: ignore[arg-type]
    assert one.media.role is Role.ATTACHMENT


def test_relative_address_in_a_text_is_our_own_file() -> None:
    view = wire("comment-with-picture")
    view["comment"]["content"] = "![x](/pictrs/image/abcdef0123.png)"
    (one,) = converter().seen_in_comment(view, at=SEEN, backlog=False)  # type: ignore[arg-type]
    assert one.name == Alias(instance=InstanceId("main"), value="abcdef0123.png")


def test_custom_emoji_of_another_server_is_no_picture_of_whoever_writes_it() -> None:
    view = wire("comment-with-picture")
    view["comment"]["content"] = '![blobcat](https://far.example/pictrs/image/x "emoji blobcat")'
    (one,) = converter().seen_in_comment(view, at=SEEN, backlog=False)  # type: ignore[arg-type]
    assert (one.media.role, one.media.url) == (Role.EMOJI, "https://far.example/pictrs/image/x")


@pytest.mark.parametrize("broken", [{}, {"post": {}}, {"post": None, "creator": {}, "community": {}}])
def test_broken_view_is_a_bad_answer(broken: Any) -> None:
    with pytest.raises(BadAnswerError, match="post"):
        converter().post(broken)


def test_local_only_communities_are_local() -> None:
    view = wire("post-own-upload")
    view["community"]["visibility"] = "LocalOnly"
    assert converter().post(view).visibility == "local"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["2026-11-22T06:27:22.948832Z", "2026-11-22T06:27:22.948832000Z", "2026-11-22T06:27:22.948832"]
)
def test_times_are_utc(text: str) -> None:
    assert moment(text) == datetime(2026, 11, 22, 6, 27, 22, 948832, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0000-01-01T00:00:00Z", EARLIEST),
        ("-262143-01-01T00:00:00Z", EARLIEST),
        ("0001-01-01T00:00:00+14:00", EARLIEST),
        ("9999-12-31T23:59:59-14:00", LATEST),
        ("+10000-02-29T00:00:00Z", LATEST),
        ("+262142-12-31T23:59:59.999999999Z", LATEST),
    ],
)
def test_dates_that_no_calendar_of_ours_has_are_the_first_or_the_last(text: str, wanted: datetime) -> None:
    assert moment(text) == wanted
    assert wanted - timedelta(days=90) < wanted.astimezone(timezone(timedelta(hours=14))) < wanted + timedelta(days=90)
    view = wire("post-own-upload")
    for part in ("post", "creator", "community"):
        view[part]["published"] = text
    assert converter().post(view).published_at == wanted  # type: ignore[arg-type]
    assert converter().seen_around(view, at=SEEN, backlog=False) is not None  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["+10000-13-01T00:00:00Z", "0000-01-01T25:00:00Z", "+10000", "", "yesterday"])
def test_what_is_no_date_is_none_in_any_year(text: str) -> None:
    with pytest.raises(ValueError, match=r"nvalid|must be in"):
        moment(text)


CAPTURES = Path(__file__).parent.parent / "golden" / "captures" / "lemmy-0.19"


def captured_site() -> Any:
    exchanges = json.loads((CAPTURES / "lists.json").read_text())
    return next(one for one in exchanges if one["request"]["path"] == "/api/v3/site")["response"]["body"]


def test_pages_of_a_recorded_server() -> None:
    seen = converter().seen_on_site(captured_site(), at=SEEN, backlog=False)
    picture = Alias(instance=InstanceId("main"), value="640705ff-55af-4f9d-8a4b-42c0709dd57c.png")
    assert [(one.subject.kind, one.subject.local_id, one.media.role, one.name) for one in seen] == [
        ("site", "tagline-1", Role.INLINE, picture),
        ("site", "emoji-1", Role.EMOJI, picture),
    ]


def test_everything_that_the_server_itself_shows() -> None:
    answer = captured_site()
    site, local = answer["site_view"]["site"], answer["site_view"]["local_site"]
    site |= {"icon": "https://a.example/i.png", "banner": "https://a.example/b.png", "sidebar": "![s](/s.png)"}
    local["legal_information"] = "![l](https://a.example/l.png)"
    found = converter().seen_on_site(answer, at=SEEN, backlog=False)
    seen = {str(one.name.value) for one in found if one.subject.local_id == "site"}
    assert seen == {*(f"https://a.example/{name}.png" for name in "ibl"), "http://lemmy-alpha:8541/s.png"}
    before = next(one.subject.revision for one in found if one.subject.local_id == "site")
    local["legal_information"] = "nothing"
    again = converter().seen_on_site(answer, at=SEEN, backlog=False)
    assert next(one.subject.revision for one in again if one.subject.local_id == "site") != before


@pytest.mark.parametrize("broken", [{}, {"site_view": None}, {"site_view": {"site": {}, "local_site": {}}}])
def test_broken_site_is_a_bad_answer(broken: Any) -> None:
    with pytest.raises(BadAnswerError, match="site"):
        converter().seen_on_site(broken, at=SEEN, backlog=False)


@pytest.mark.parametrize("broken", [{}, {"private_message_report": {}}, {"private_message": 1}])
def test_broken_report_of_a_message_is_a_bad_answer(broken: Any) -> None:
    with pytest.raises(BadAnswerError, match="message report"):
        converter().seen_in_message(broken, staff=frozenset(), at=SEEN, backlog=False)
