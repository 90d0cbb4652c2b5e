"""What Lemmy refuses, and how it says so."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from adapters.sandbox.lemmy import LemmySandbox

    from .visitors import Visitors


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "ab"}, "invalid_post_title"),
        ({"name": "x" * 201}, "invalid_post_title"),
        ({"name": "two\nlines"}, "invalid_post_title"),
        ({"name": "a forbiddenword"}, "slurs"),
        ({"community_id": 999}, "couldnt_find_community"),
        ({"url": "not a url"}, "invalid_url"),
        ({"url": "ftp://example.com/x"}, "invalid_url_scheme"),
        ({"url": "https://example.com/" + "x" * 2000}, "url_length_overflow"),
        ({"url": "https://blocked.example/x"}, "blocked_url"),
        ({"body": "see https://blocked.example/x"}, "blocked_url"),
        ({"body": "x" * 50_001}, "invalid_body_field"),
        ({"alt_text": "x" * 1501}, "alt_text_length_overflow"),
        ({"honeypot": "x"}, "honeypot_failed"),
        ({"language_id": 9999}, "language_not_allowed"),
    ],
)
def test_posts_that_are_refused(shared: Visitors, fields: dict[str, Any], code: str) -> None:
    shared.send(
        "admin",
        "/site",
        method="PUT",
        slur_filter_regex="forbiddenword",
        blocked_urls=["https://blocked.example/x"],
    )
    good = {"name": "A title", "community_id": shared.community()}
    assert shared.refusal("alice", "/post", **(good | fields)) == (400, code)


def test_slurs_in_a_text_are_struck_out(visitors: Visitors) -> None:
    visitors.send("admin", "/site", method="PUT", slur_filter_regex="forbiddenword")
    assert visitors.post("alice", visitors.community(), body="a FORBIDDENWORD here")["body"] == "a *removed* here"


@pytest.mark.parametrize(
    ("reason", "code"),
    [("", "report_reason_required"), ("  ", "report_reason_required"), ("x" * 1001, "report_too_long")],
)
def test_reasons_of_reports_that_are_refused(shared: Visitors, reason: str, code: str) -> None:
    post = shared.post("alice", shared.community())
    assert shared.refusal("bob", "/post/report", post_id=post["id"], reason=reason) == (400, code)


def test_the_longest_reason_is_taken(shared: Visitors) -> None:
    post = shared.post("alice", shared.community())
    assert shared.send("bob", "/post/report", post_id=post["id"], reason="ü" * 1000)["post_report_view"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"post_id":1}', "Json deserialize error: missing field `removed` at line 1 column 13"),
        ('{"post_id":"1","removed":true}', 'invalid type: string "1", expected i32 at line 1 column 14'),
        ('{"post_id":1,"removed":"true"}', 'invalid type: string "true", expected a boolean at line 1 column 29'),
        ('{"post_id":1.5,"removed":true}', "invalid type: floating point `1.5`, expected i32 at line 1 column 14"),
        ("", "Json deserialize error: EOF while parsing a value at line 1 column 0"),
    ],
)
def test_bodies_that_cannot_be_read(shared: Visitors, body: str, message: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = shared.call("warden", "POST", "/api/v3/post/remove", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"] == "unknown"
    assert answer.json()["message"].endswith(message)


def test_a_body_that_is_not_called_json_is_refused(shared: Visitors) -> None:
    answer = shared.call("warden", "POST", "/api/v3/post/remove", content="{}", headers={"Content-Type": "text/plain"})
    assert answer.json() == {"error": "unknown", "message": "Content type error"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("id=", "cannot parse integer from empty string"),
        ("id=99999999999", "number too large to fit in target type"),
        ("id=1&id=2", "duplicate field `id`"),
    ],
)
def test_queries_that_cannot_be_read(shared: Visitors, query: str, message: str) -> None:
    answer = shared.call(None, "GET", f"/api/v3/post?{query}")
    assert answer.json() == {"error": "unknown", "message": f"Query deserialize error: {message}"}


def test_booleans_in_queries_are_lower_case(shared: Visitors) -> None:
    answer = shared.call("warden", "GET", "/api/v3/post/report/list?unresolved_only=True")
    assert answer.json()["message"] == "Query deserialize error: provided string was not `true` or `false`"


def test_other_methods_are_404_where_calls_share_a_place_and_405_elsewhere(shared: Visitors) -> None:
    statuses = [
        shared.call(None, method, path).status_code
        for method, path in (
            ("GET", "/api/v3/nothing"),
            ("GET", "/api/v3/user/login"),
            ("POST", "/api/v3/post/list"),
            ("POST", "/api/v3/search"),
            ("GET", "/pictrs/image"),
            ("GET", "/api/v3/post/"),
        )
    ]
    assert statuses == [404, 404, 404, 405, 405, 404]


def test_answers_are_packed_for_whoever_takes_that(shared: Visitors) -> None:
    url = f"{shared.box.url}/api/v3/site"
    with shared.client.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(packed.iter_raw())).startswith(b'{"site_view"')
    plain = shared.client.get(url, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def test_browsers_of_any_origin_may_ask(shared: Visitors) -> None:
    headers = {"Origin": "http://localhost:1234", "Access-Control-Request-Method": "POST"}
    answer = shared.call(None, "OPTIONS", "/api/v3/post", headers=headers)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "http://localhost:1234")


def test_things_that_are_gone_are_not_resolved(box: LemmySandbox, visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community())
    visitors.send("alice", "/post/delete", post_id=post["id"], deleted=True)
    asked = {"q": post["ap_id"]}
    answers = {who: visitors.call(who, "GET", "/api/v3/resolve_object", params=asked) for who in ("alice", "warden")}
    assert {who: answer.status_code for who, answer in answers.items()} == {"alice": 404, "warden": 400}
    remote = {"q": f"!far@{box.federation.domain}"}
    assert visitors.call(None, "GET", "/api/v3/resolve_object", params=remote).status_code == 400
    assert visitors.call("alice", "GET", "/api/v3/resolve_object", params=remote).status_code == 200


def test_what_is_only_for_accounts_is_not_resolved_for_strangers(visitors: Visitors) -> None:
    here = visitors.community(visibility="LocalOnly")
    post = visitors.post("alice", here)
    comment = visitors.send("alice", "/comment", post_id=post["id"], content="x")["comment_view"]
    for address in (post["ap_id"], comment["comment"]["ap_id"], comment["community"]["actor_id"]):
        asked = {"q": address}
        answers = {who: visitors.call(who, "GET", "/api/v3/resolve_object", params=asked) for who in (None, "bob")}
        assert {who: answer.status_code for who, answer in answers.items()} == {None: 400, "bob": 200}
