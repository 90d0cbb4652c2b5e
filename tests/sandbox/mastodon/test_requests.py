"""How requests are read, and what an answer carries besides its body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.forms import nested

if TYPE_CHECKING:
    from .square import Square


def test_brackets_collect_and_nest() -> None:
    pairs = [("a[]", "1"), ("a[]", "2"), ("b[c]", "3"), ("b[d][]", "4"), ("e", "5"), ("e", "6")]
    assert nested(pairs) == {"a": ["1", "2"], "b": {"c": "3", "d": ["4"]}, "e": "6"}


def test_form_and_json_say_the_same(square: Square) -> None:
    status = square.post("alice")
    form = {"account_id": square.id("alice"), "status_ids[]": [status["id"]], "category": "spam"}
    answer = square.call("bob", "POST", "/api/v1/reports", data=form)
    assert answer.json()["status_ids"] == [status["id"]]


def test_unreadable_body_is_a_page(square: Square) -> None:
    answer = square.call("bob", "POST", "/api/v1/reports", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")


def test_same_key_posts_once(square: Square) -> None:
    key = {"Idempotency-Key": "one"}
    made = [
        square.call("alice", "POST", "/api/v1/statuses", json={"status": text}, headers=key).json()["id"]
        for text in ("first", "second")
    ]
    assert made[0] == made[1]
    assert square.feed() == ["first"]


def test_what_the_sandbox_does_not_know_is_refused_by_name(square: Square) -> None:
    assert square.refusal("alice", "/api/v1/statuses", status="x", poll={"options": ["a"]}) == (
        501,
        "The sandbox does not know poll",
    )


def test_link_repeats_the_parameters_in_the_order_of_the_alphabet(square: Square) -> None:
    first, second = (square.post("alice", pictures=1)["id"] for _ in range(2))
    answer = square.call("bob", "GET", "/api/v1/timelines/public", params={"only_media": "true", "limit": 2})
    place = f"{square.box.url}/api/v1/timelines/public?limit=2"
    assert answer.headers["link"] == (
        f'<{place}&max_id={first}&only_media=true>; rel="next", <{place}&min_id={second}&only_media=true>; rel="prev"'
    )


def test_list_of_an_account_has_a_next_page_only_when_it_is_full(square: Square) -> None:
    square.post("alice")
    place = f"/api/v1/accounts/{square.id('alice')}/statuses"
    assert 'rel="next"' not in square.call(None, "GET", place).headers["link"]
    assert 'rel="next"' in square.call(None, "GET", place, params={"limit": 1}).headers["link"]


def test_answer_to_a_stranger_may_be_kept_for_a_while(square: Square) -> None:
    assert (
        square.call(None, "GET", "/api/v1/timelines/public").headers["cache-control"].startswith("max-age=15, public")
    )
    private = square.call("bob", "GET", "/api/v1/timelines/public").headers["cache-control"]
    assert private == "private, no-store"


def test_addresses_and_handles_are_counted_short(square: Square) -> None:
    address = "https://example.org/" + "a" * 400
    assert square.post("alice", f"{address} @bob@{'b' * 60}.example {'c' * 470}")["id"]
    assert square.refusal("alice", "/api/v1/statuses", status="c" * 501) == (
        422,
        "Validation failed: Text character limit of 500 exceeded",
    )


def test_mentions_tags_and_addresses_become_links(square: Square) -> None:
    shown = square.post("alice", "hello @bob, see https://example.org/a?b=1&c=2 #Cats\n\nnew & <old>")
    assert [one["acct"] for one in shown["mentions"]] == ["bob"]
    assert [one["name"] for one in shown["tags"]] == ["cats"]
    assert f'<a href="{square.box.url}/@bob" class="u-url mention">@<span>bob</span></a>' in shown["content"]
    assert 'href="https://example.org/a?b=1&amp;c=2"' in shown["content"]
    assert shown["content"].endswith("<p>new &amp; &lt;old&gt;</p>")
