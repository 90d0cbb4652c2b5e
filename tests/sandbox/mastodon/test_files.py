"""What becomes of the files when what showed them goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adapters.sandbox.mastodon.moderation import act_on_report

from .square import png

if TYPE_CHECKING:
    from collections.abc import Callable

    from .square import Square


def _remove(square: Square, *statuses: dict[str, Any]) -> dict[str, Any]:
    """A moderator deletes statuses of alice by their report."""
    report = square.report("warden/bot", "alice", *statuses)
    state = square.box.state
    act_on_report(state, state.reports[int(report["id"])], "delete", square.account("warden"))
    return report


def _addresses(status: dict[str, Any]) -> list[str]:
    return [status["media_attachments"][0][key] for key in ("url", "preview_url")]


def _public(square: Square, url: str) -> bool:
    file = square.box.state.files.get(url.removeprefix(square.box.url))
    assert file is not None
    return file.public


def test_removal_by_a_moderator_closes_the_files_since_4_4_only(older: Square, newer: Square) -> None:
    for square, open_ in ((older, True), (newer, False)):
        status = square.post("alice", pictures=1)
        _remove(square, status)
        assert [_public(square, url) for url in _addresses(status)] == [open_, open_]


def test_suspension_closes_every_file_and_its_end_opens_them(square: Square) -> None:
    status = square.post("alice", pictures=1)
    square.act("alice", "suspend")
    assert [_public(square, url) for url in _addresses(status)] == [False, False]
    square.undo("alice", "unsuspend")
    assert [_public(square, url) for url in _addresses(status)] == [True, True]


def test_end_of_a_suspension_opens_the_files_of_removed_posts_too(newer: Square) -> None:
    status = newer.post("alice", pictures=1)
    _remove(newer, status)
    newer.act("alice", "suspend")
    newer.undo("alice", "unsuspend")
    assert [_public(newer, url) for url in _addresses(status)] == [True, True]
    assert newer.refusal("bob", f"/api/v1/statuses/{status['id']}", "GET") == (404, "Not Found")


@pytest.mark.parametrize(("separate", "answer"), [(False, 200), (True, 403)])
def test_closed_file_is_handed_out_by_mastodon_and_not_by_a_web_server_beside_it(
    opened: Callable[..., Square], separate: bool, answer: int
) -> None:
    square = opened("4.6", separate_file_server=separate)
    status = square.post("alice", pictures=1)
    square.act("alice", "suspend")
    assert [square.file(url).status_code for url in _addresses(status)] == [answer, answer]


def test_deletion_of_an_account_deletes_its_files(square: Square) -> None:
    status = square.post("alice", pictures=1)
    square.act("alice", "suspend")
    square.send("warden/bot", f"/api/v1/admin/accounts/{square.id('alice')}", "DELETE")
    assert [square.file(url).status_code for url in _addresses(status)] == [404, 404]


def test_file_of_a_deleted_post_may_be_posted_again(square: Square) -> None:
    status = square.post("alice", pictures=1)
    media = status["media_attachments"][0]["id"]
    square.call("alice", "DELETE", f"/api/v1/statuses/{status['id']}")
    assert square.send("alice", "/api/v1/statuses", status="again", media_ids=[media])["media_attachments"]


def test_removed_post_shows_its_file_by_the_proxy_to_moderators_only(newer: Square) -> None:
    status = newer.post("alice", pictures=1)
    report = _remove(newer, status)
    shown = newer.get("warden/bot", f"/api/v1/admin/reports/{report['id']}")["statuses"][0]["media_attachments"][0]
    assert shown["url"] == f"{newer.box.url}/media_proxy/{shown['id']}/original"
    assert newer.file(shown["url"]).status_code == 404
    newer.box.server.web_user = lambda headers, method: int(newer.id("warden"))
    assert (
        newer.file(shown["url"]).content
        == newer.box.state.files.get(status["media_attachments"][0]["url"].removeprefix(newer.box.url)).data
    )  # type: ignore[union-attr]


def test_new_avatar_takes_the_place_of_the_old_one(square: Square) -> None:
    def change() -> str:
        picture = {"avatar": ("a.png", png(), "image/png")}
        answer = square.call("alice", "PATCH", "/api/v1/accounts/update_credentials", files=picture)
        return str(answer.json()["avatar"])

    first, second = change(), change()
    assert first != second
    assert [square.file(url).status_code for url in (first, second)] == [404, 200]
