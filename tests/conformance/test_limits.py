"""Rate limits: buckets that refuse when empty and fill again.

Only limits that these tests can do without are touched, never ``message``, which would lock the administrator out.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from .answers import body, refusal
from .pictures import png
from .site import MINUTE, PLENTY, limits
from .waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance

HOUR = 3600


@contextmanager
def limited(admin: Person, name: str, call: Callable[[], httpx.Response]) -> Iterator[None]:
    """One call per hour of this kind; afterwards plenty again, and the bucket filled so far that ``call`` passes."""
    body(admin.put("site", **limits(count=1, seconds=HOUR, of=(name,))))
    try:
        yield
    finally:
        body(admin.put("site", **limits(count=PLENTY, seconds=MINUTE, of=(name,))))
        eventually(lambda: not _limited(call()), f"{name} is allowed again")


def _limited(answer: httpx.Response) -> bool:
    return not answer.is_success and answer.json().get("error") == "rate_limit_error"


def test_search_beyond_its_limit_is_refused(stage: Stage, admin: Person, warden: Person) -> None:
    def call() -> httpx.Response:
        return warden.get("search", type_="Posts", q="x", limit=1)

    with limited(admin, "search", call):
        assert call().is_success
        assert refusal(call()) == (400, "rate_limit_error")


def test_refusal_does_not_say_when_to_come_back(stage: Stage, admin: Person, warden: Person) -> None:
    def call() -> httpx.Response:
        return warden.get("search", type_="Posts", q="x", limit=1)

    with limited(admin, "search", call):
        call()
        answer = call()
        assert _limited(answer)
        assert "retry-after" not in answer.headers


def test_limit_of_one_kind_leaves_the_others_alone(stage: Stage, admin: Person, warden: Person) -> None:
    def call() -> httpx.Response:
        return warden.get("search", type_="Posts", q="x", limit=1)

    with limited(admin, "search", call):
        call()
        assert _limited(call())
        assert warden.get("post/list", limit=1).is_success


def test_limit_holds_for_administrators_and_strangers_alike(
    stage: Stage, admin: Person, warden: Person, anonymous: Person
) -> None:
    def call() -> httpx.Response:
        return warden.get("search", type_="Posts", q="x", limit=1)

    with limited(admin, "search", call):
        call()
        for person in (admin, warden, anonymous):
            assert _limited(person.get("search", type_="Posts", q="x", limit=1))


def test_empty_bucket_fills_again_with_time(stage: Stage, admin: Person, warden: Person) -> None:
    def call() -> httpx.Response:
        return warden.get("search", type_="Posts", q="x", limit=1)

    with limited(admin, "search", call):
        call()
        assert _limited(call())
        body(admin.put("site", **limits(count=1, seconds=1, of=("search",))))
        eventually(lambda: not _limited(call()), "a second gives one call")


def test_upload_beyond_its_limit_is_refused(stage: Stage, admin: Person, alice: Person) -> None:
    def call() -> httpx.Response:
        answer = alice.upload(png())
        if answer.is_success:
            stage.aliases.append(answer.json()["files"][0]["file"])
        return answer

    with limited(admin, "image", call):
        assert call().is_success
        assert refusal(call()) == (400, "rate_limit_error")


def test_file_is_served_although_uploads_are_at_their_limit(
    stage: Stage, admin: Person, alice: Person, anonymous: Person
) -> None:
    picture = stage.picture(alice)

    def call() -> httpx.Response:
        answer = alice.upload(picture.content)
        if answer.is_success:
            stage.aliases.append(answer.json()["files"][0]["file"])
        return answer

    with limited(admin, "image", call):
        call()
        assert _limited(call())
        assert anonymous.fetch(picture.alias).status_code == 200


def test_login_counts_as_registration(stage: Stage, admin: Person, anonymous: Person) -> None:
    def call() -> httpx.Response:
        return anonymous.post("user/login", username_or_email="nobody_here", password="not a password")

    with limited(admin, "register", call):
        assert refusal(call()) == (401, "incorrect_login")
        assert refusal(call()) == (400, "rate_limit_error")


def test_changed_limits_are_seen_in_the_site(stage: Stage, admin: Person, anonymous: Person) -> None:
    def call() -> httpx.Response:
        return anonymous.get("search", type_="Posts", q="x", limit=1)

    with limited(admin, "search", call):
        eventually(lambda: _shown(anonymous) == (1, HOUR), "the site shows the limit")


def _shown(person: Person) -> tuple[int, int]:
    limit = body(person.get("site"))["site_view"]["local_site_rate_limit"]
    return limit["search"], limit["search_per_second"]
