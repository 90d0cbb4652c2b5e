"""Rate limits."""

from __future__ import annotations

import httpx

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy import LemmySandbox
from adapters.sandbox.lemmy.limits import RateLimiter
from adapters.sandbox.lemmy.site_rows import RateLimits

from .visitors import Visitors


def limits(**changes: int) -> RateLimits:
    plenty = dict.fromkeys(("message", "post", "register", "image", "comment", "search"), 1000)
    seconds = {f"{name}_per_second": 60 for name in plenty}
    return RateLimits(**(plenty | seconds | changes), published=now())


class Watch:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_refills_continuously() -> None:
    watch = Watch()
    given = limits(message=3, message_per_second=30)
    limiter = RateLimiter(lambda: given, watch)
    assert [limiter.passes("message", "127.0.0.1") for _ in range(5)] == [True, True, True, False, False]
    watch.now += 9
    assert not limiter.passes("message", "127.0.0.1")
    watch.now += 1
    assert [limiter.passes("message", "127.0.0.1") for _ in range(2)] == [True, False]
    watch.now += 300
    assert [limiter.passes("message", "127.0.0.1") for _ in range(4)] == [True, True, True, False]


def test_trying_again_too_early_does_not_put_the_next_token_off() -> None:
    watch = Watch()
    given = limits(message=3, message_per_second=30)
    limiter = RateLimiter(lambda: given, watch)
    for _ in range(3):
        limiter.passes("message", "127.0.0.1")
    passed = []
    for _ in range(10):
        watch.now += 1
        passed.append(limiter.passes("message", "127.0.0.1"))
    assert passed == [False] * 9 + [True]


def test_each_kind_and_each_address_has_a_bucket_of_its_own() -> None:
    given = limits(message=1, search=1)
    limiter = RateLimiter(lambda: given, Watch())
    assert limiter.passes("message", "10.0.0.1")
    assert not limiter.passes("message", "10.0.0.1:1234")
    assert limiter.passes("search", "10.0.0.1")
    assert limiter.passes("message", "10.0.0.2")
    assert limiter.passes("message", "2001:db8::1")
    assert not limiter.passes("message", "[2001:db8::2]")
    assert limiter.passes("message", "2001:db8:0:1::1")


def test_default_limits_are_lemmys_own() -> None:
    with LemmySandbox(default_limits=True) as box, httpx.Client() as client:
        visitors = Visitors(box, client)
        shown = visitors.get(None, "/site")["site_view"]["local_site_rate_limit"]
        pairs = [(shown[name], shown[f"{name}_per_second"]) for name in ("message", "post", "register", "image")]
        assert pairs == [(180, 60), (6, 600), (10, 3600), (6, 3600)]
        wrong = {"username_or_email": "alice", "password": "not the password"}
        answers = [visitors.refusal(None, "/user/login", **wrong) for _ in range(11)]
        assert answers == [(401, "incorrect_login")] * 10 + [(400, "rate_limit_error")]


def test_a_call_is_counted_before_it_is_read_and_images_are_not_counted(visitors: Visitors) -> None:
    visitors.send("admin", "/site", method="PUT", rate_limit_message=2, rate_limit_message_per_second=3600)
    answers = [visitors.call(None, "GET", "/api/v3/post", params={"id": "x"}).json()["error"] for _ in range(3)]
    assert answers == ["unknown", "unknown", "rate_limit_error"]
    assert [visitors.file("none.png").status_code for _ in range(5)] == [404] * 5
    elsewhere = visitors.call(None, "GET", "/api/v3/post/list", headers={"X-Forwarded-For": "10.1.2.3"})
    assert elsewhere.status_code == 200


def test_what_there_is_not_is_counted_where_its_neighbours_are(visitors: Visitors) -> None:
    limits = {
        f"rate_limit_{kind}{end}": 1 if not end else 3600 for kind in ("image", "search") for end in ("", "_per_second")
    }
    visitors.send("admin", "/site", method="PUT", **limits, rate_limit_message=2, rate_limit_message_per_second=3600)
    for path, statuses in (
        ("/api/v3/post/remove", [404, 404, 400]),
        ("/api/v3/user/nobody", [400]),
        ("/api/v3/nothing", [404] * 3),
        ("/pictrs/image", [405, 400]),
    ):
        assert [visitors.call(None, "GET", path).status_code for _ in statuses] == statuses
    assert [visitors.call(None, "POST", "/api/v3/search").status_code for _ in range(2)] == [405, 400]
