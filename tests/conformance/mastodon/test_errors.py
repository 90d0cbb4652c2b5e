"""What the server says where there is nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..answers import refusal
from .stage import NO_SUCH_ID

if TYPE_CHECKING:
    from .people import Person

pytestmark = pytest.mark.conformance


@pytest.mark.parametrize("path", ["v1/nothing", "v1/admin/statuses"])
def test_path_that_does_not_exist_is_a_page_not_json(warden: Person, path: str) -> None:
    answer = warden.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_missing_account_and_missing_status_have_different_words(warden: Person) -> None:
    assert refusal(warden.get(f"v1/accounts/{NO_SUCH_ID}")) == (404, "Record not found")
    assert refusal(warden.get(f"v1/statuses/{NO_SUCH_ID}")) == (404, "Not Found")


def test_missing_history_is_not_found(warden: Person) -> None:
    assert warden.get(f"v1/statuses/{NO_SUCH_ID}/history").status_code == 404


def test_missing_file_is_a_page_not_json(anonymous: Person) -> None:
    answer = anonymous.client.get("/system/media_attachments/files/000/000/001/original/nothing.png")
    assert answer.status_code == 404


def test_name_that_nobody_has_is_not_found(anonymous: Person) -> None:
    assert refusal(anonymous.get("v1/accounts/lookup", {"acct": "nobody_has_this_name"})) == (404, "Record not found")


def test_search_for_an_address_that_is_nothing_finds_nothing(warden: Person, anonymous: Person) -> None:
    host = anonymous.found("v2/instance")["domain"]
    found = warden.found("v2/search", {"q": f"https://{host}/@nobody_has_this_name/1", "resolve": "true"})
    assert (found["accounts"], found["statuses"]) == ([], [])


def test_server_is_alive(anonymous: Person) -> None:
    assert anonymous.client.get("/health").text == "OK"
