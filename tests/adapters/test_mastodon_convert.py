"""What real servers said (``golden/mastodon/*.wire.json``), and what it means to us (``*.domain.json``)."""

from __future__ import annotations

import copy
import dataclasses
import json
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters.mastodon.addresses import Addresses, proxied
from adapters.mastodon.convert import Converter, hidden, unfinished, unwrapped
from bot.domain.content import Attachment, InstanceId, Name, RemoteUrl, Role, StorageKey
from bot.domain.errors import BadAnswerError
from bot.domain.hosts import host_of

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent / "golden" / "mastodon"
CASES = sorted(path.name.removesuffix(".wire.json") for path in GOLDEN.glob("*.wire.json"))
SEEN = datetime(2026, 11, 22, 12, tzinfo=UTC)
MAIN = InstanceId("main")


def converter(url: str = "https://mastodon.test", staff: frozenset[str] = frozenset()) -> Converter:
    return Converter(addresses=Addresses(instance=MAIN, url=url), domain=host_of(url), staff=staff)


def converted(wire: dict[str, Any]) -> Any:
    convert, view = converter(wire["server"]), wire["view"]
    match wire["kind"]:
        case "post":
            status = unwrapped(view)
            seen = convert.seen_in_post(status, at=SEEN, backlog=False, history=wire.get("history", ()))
            return convert.post(status), seen
        case "profile":
            return convert.profile(view), convert.seen_in_profile(view, at=SEEN, backlog=True)
        case _:
            raise AssertionError(wire["kind"])


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
    subject, sightings = converted(json.loads((GOLDEN / f"{case}.wire.json").read_text()))
    for sighting in sightings:
        assert sighting.subject == subject
    shown = [{key: value for key, value in plain(one).items() if key != "subject"} for one in sightings]
    wanted = json.loads((GOLDEN / f"{case}.domain.json").read_text())
    assert {"subject": plain(subject), "sightings": shown} == wanted


def test_there_are_cases() -> None:
    assert len(CASES) >= 12


def view(case: str) -> Any:
    return json.loads((GOLDEN / f"{case}.wire.json").read_text())["view"]


def seen(status: Any, **known: Any) -> list[tuple[str, Role, Name]]:
    found = converter(**known).seen_in_post(status, at=SEEN, backlog=False)
    return [(one.media.url, one.media.role, one.name) for one in found]


def test_a_link_card_is_a_thumbnail_of_nobodys() -> None:
    status = view("status-picture-4.6")
    image = "https://mastodon.test/system/cache/preview_cards/images/000/000/007/original/0123456789abcdef.png"
    status["media_attachments"], status["card"] = [], {"url": "https://elsewhere.test/page", "image": image}
    key = "cache/preview_cards/images/000/000/007/original/0123456789abcdef.png"
    assert seen(status) == [(image, Role.THUMBNAIL, StorageKey(instance=MAIN, value=key))]


def test_a_file_that_is_still_processed_has_no_place_yet() -> None:
    status = view("status-video")
    assert not unfinished(status)
    before = converter().post(status).revision
    status["media_attachments"][0] |= {"url": None, "preview_url": None}
    assert unfinished(status)
    assert seen(status) == []
    assert converter().post(status).revision == before


def test_a_film_is_looked_at_itself_and_by_the_picture_that_stands_for_it() -> None:
    (film, picture) = seen(view("status-video"))
    assert film[0].endswith(".mp4")
    assert picture[0].endswith(".png")
    assert film[2] != picture[2]
    assert isinstance(picture[2], Attachment)
    assert picture[2].value.endswith("/small")


def test_our_own_server_is_not_asked_to_fetch_what_it_does_not_hold() -> None:
    ((url, _, name),) = seen(view("status-remote-not-cached"))
    assert host_of(url) == "remote.test"
    assert isinstance(name, Attachment)


def test_what_our_server_holds_of_another_is_taken_from_ours() -> None:
    ((url, _, _),) = seen(view("status-remote-cached"), url="https://b.test")
    assert url.startswith("https://b.test/system/cache/")


@pytest.mark.parametrize("field", ["edited_at", "media_attachments", "card"])
def test_revision_follows_what_changes_the_media(field: str) -> None:
    status = view("status-picture-4.6")
    before = converter().post(status).revision
    changed = copy.deepcopy(status)
    match field:
        case "edited_at":
            changed["edited_at"] = "2026-11-22T20:00:00.000Z"
        case "media_attachments":
            changed["media_attachments"][0]["id"] = "1"
        case _:
            changed["card"] = {"url": "https://elsewhere.test/", "image": "https://elsewhere.test/a.png"}
    assert converter().post(changed).revision != before
    changed = copy.deepcopy(status) | {"favourites_count": 7}
    assert converter().post(changed).revision == before


@pytest.mark.parametrize("visibility", ["private", "direct", "limited", "mutuals_only", None])
def test_a_post_for_some_is_hidden_and_never_converted(visibility: str | None) -> None:
    status = view("status-picture-4.6") | {"visibility": visibility}
    assert hidden(status)
    with pytest.raises(BadAnswerError):
        converter().post(status)


def test_staff_is_who_is_known_as_such_and_else_who_shows_a_role() -> None:
    account = view("profile-local")
    account_id = account["id"]
    assert not converter().account(account).is_staff
    assert converter(staff=frozenset({account_id})).account(account).is_staff
    badged = account | {"roles": [{"id": "3", "name": "Owner", "color": ""}]}
    assert converter().account(badged).is_staff
    assert not converter(staff=frozenset({"1"})).account(badged).is_staff


def test_an_emoji_belongs_to_a_server() -> None:
    url = "https://mastodon.test/system/custom_emojis/images/000/000/012/original/0123456789abcdef.png"
    emoji: Any = {"shortcode": "blob", "url": url, "static_url": url}
    (ours,) = converter().seen_as_emoji(emoji, at=SEEN, backlog=False)
    (theirs,) = converter().seen_as_emoji(emoji, at=SEEN, backlog=False, host="remote.test")
    assert ours.subject.author is None
    assert ours.subject.key != theirs.subject.key
    assert ours.media.role is Role.EMOJI
    key = "custom_emojis/images/000/000/012/original/0123456789abcdef.png"
    assert ours.name == StorageKey(instance=MAIN, value=key)


@pytest.mark.parametrize(
    ("avatar", "kind"),
    [
        ("https://files.test/cache/accounts/avatars/000/000/012/original/0123456789abcdef.png", StorageKey),
        ("https://remote.test/system/accounts/avatars/000/000/012/original/0123456789abcdef.png", RemoteUrl),
        ("https://mastodon.test/system/accounts/avatars/000/000/012/original/0123456789abcdef.png", StorageKey),
    ],
)
def test_a_picture_of_another_server_is_ours_only_as_a_copy(avatar: str, kind: type[Name]) -> None:
    account = view("profile-remote") | {"avatar": avatar}
    (one,) = converter().seen_in_profile(account, at=SEEN, backlog=False)
    assert isinstance(one.name, kind)


def test_default_pictures_are_nobodys() -> None:
    account = view("profile-local") | {
        "avatar": "https://mastodon.test/avatars/original/missing.png",
        "header": "https://mastodon.test/headers/original/missing.png",
    }
    assert converter().seen_in_profile(account, at=SEEN, backlog=False) == []


def test_links_to_pictures_in_text_are_followed_and_an_attachment_keeps_its_name() -> None:
    status = view("status-picture-4.6")
    attached = status["media_attachments"][0]
    status["content"] = f'<p><a href="https://elsewhere.test/a.png">x</a> <a href="{attached["url"]}">y</a></p>'
    status["media_attachments"] = []
    links = {(url, name) for url, role, name in seen(status) if role is Role.LINK}
    assert links == {
        ("https://elsewhere.test/a.png", RemoteUrl(value="https://elsewhere.test/a.png")),
        (attached["url"], Attachment(instance=MAIN, value=attached["id"])),
    }


@pytest.mark.parametrize("field", ["id", "account", "media_attachments", "created_at", "uri"])
def test_another_shape_is_an_error_of_that_one_post(field: str) -> None:
    status = view("status-picture-4.6")
    del status[field]
    with pytest.raises(BadAnswerError, match="shape"):
        converter().seen_in_post(status, at=SEEN, backlog=False)


GTS = "01KEZ7YAPQWKW67BJGQF4JN2SG/attachment/small/01M811ND177FJR5CGKR9M0CGX8.jpeg"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "media_attachments/files/117/661/712/687/223/564/original/cd8929dc6f9f9f9c.png",
            Attachment(instance=MAIN, value="117661712687223564"),
        ),
        (
            "bucket/cache/media_attachments/files/117/661/712/687/223/564/small/cd8929dc6f9f9f9c.png",
            Attachment(instance=MAIN, value="117661712687223564/small"),
        ),
        (
            "public/system/media_attachments/files/000/000/012/original/a.mp4",
            Attachment(instance=MAIN, value="12"),
        ),
        (GTS, Attachment(instance=MAIN, value="01M811ND177FJR5CGKR9M0CGX8/small")),
        (
            "accounts/avatars/117/661/695/952/707/651/original/a54a5f80f9ef3778.png",
            StorageKey(instance=MAIN, value="accounts/avatars/117/661/695/952/707/651/original/a54a5f80f9ef3778.png"),
        ),
        ("media_attachments/files/1/2/a.png", None),
        ("hello", None),
    ],
)
def test_object_keys_lead_to_attachments(text: str, name: Name | None) -> None:
    assert Addresses(instance=MAIN, url="https://mastodon.test").key(text) == name


def test_only_our_own_hosts_have_our_files() -> None:
    path = "/media_attachments/files/117/661/712/687/223/564/original/cd8929dc6f9f9f9c.png"
    addresses = Addresses(instance=MAIN, url="https://mastodon.test", files="https://files.test/bucket")
    mine = Attachment(instance=MAIN, value="117661712687223564")
    assert addresses.name_of(f"https://mastodon.test/system{path}") == mine
    assert addresses.name_of(f"https://files.test/bucket{path}") == mine
    assert addresses.name_of("https://mastodon.test/media_proxy/117661712687223564/original") == mine
    foreign = f"https://elsewhere.test/system{path}"
    assert addresses.name_of(foreign) == RemoteUrl(value=foreign)
    assert addresses.address(mine) == "https://mastodon.test/media_proxy/117661712687223564/original"
    key = StorageKey(instance=MAIN, value="accounts/avatars/117/original/a.png")
    assert addresses.address(key) == "https://files.test/bucket/accounts/avatars/117/original/a.png"
    assert addresses.account_of(key) == "117"


@pytest.mark.parametrize(
    ("url", "is_so"),
    [
        ("https://mastodon.test/media_proxy/12/original", True),
        ("https://mastodon.test/media_proxy/12/small", True),
        ("https://mastodon.test/system/a.png", False),
        ("https://[", False),
        (None, False),
    ],
)
def test_proxied_addresses_are_known(url: str | None, is_so: bool) -> None:
    assert proxied(url) is is_so


CAPTURES = sorted((Path(__file__).parents[1] / "golden" / "captures").glob("mastodon-4.*/*.json"))


def statuses(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if {"uri", "account", "media_attachments", "visibility", "created_at"} <= set(value):
            yield value
        for inner in value.values():
            yield from statuses(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from statuses(inner)


def test_every_post_that_was_recorded_is_understood() -> None:
    understood, kinds = 0, set()
    for path in CAPTURES:
        for status in statuses(json.loads(path.read_text())):
            whole = unwrapped(status)  # type: ignore[arg-type]
            if hidden(whole):
                with pytest.raises(BadAnswerError):
                    converter().post(whole)
                continue
            found = converter().seen_in_post(whole, at=SEEN, backlog=False)
            around = converter().seen_around(whole, at=SEEN, backlog=False)
            attached = {one.name for one in found if one.media.role is Role.ATTACHMENT}
            assert {name.value.partition("/")[0] for name in attached if isinstance(name, Attachment)} == {
                media["id"] for media in whole["media_attachments"]
            }
            if all(media["remote_url"] for media in whole["media_attachments"]):
                assert not any(proxied(one.media.url) for one in (*found, *around))
            understood += 1
            kinds |= {media["type"] for media in whole["media_attachments"]}
    assert understood > 300
    assert kinds == {"image", "gifv", "video", "unknown"}
