"""What is expected here was asked of a browser's own parser (Node 20, ``new URL``)."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.whatwg import resolved, without_dots

BASE = "https://own.example"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://A.example", "https://a.example"),
        ("https:/a.example/x", "https://own.example/a.example/x"),
        ("http:/a.example/x", "http://a.example/x"),
        ("https:///a.example/x", "https://a.example/x"),
        ("/\\a.example\\x?b=\\c", "https://a.example/x?b=\\c"),
        ("https://u:p@a.example:8080/x", "https://u:p@a.example:8080/x"),
        ("https://a@b@c.example/", "https://a%40b@c.example/"),
        ("https://\u2100:p@c.example/", "https://%E2%84%80:p@c.example/"),
        ("https://a.example:0/", "https://a.example:0/"),
        ("https://a.example:/x", "https://a.example/x"),
        ("http://a.example:00080?x", "http://a.example?x"),
        ("http://a.example:443/", "http://a.example:443/"),
        ("https://[2001:DB8::1]:443/", "https://[2001:db8::1]/"),
        ("https://fa\u00df.example/", "https://xn--fa-hia.example/"),
        ("https://a.example./", "https://a.example./"),
        ("https://e:.png", None),
        ("https:e:.png", "https://own.example/e:.png"),
        ("https://a.example/./b/..", "https://a.example/"),
        ("../../x", "https://own.example/x"),
        ("x/%2E%2e/y/.", "https://own.example/y/"),
        ("?x", "https://own.example/?x"),
        ("\x01 //a.example/x \x1f", "https://a.example/x"),
        ("data:image/png;base64,AAAA", None),
        ("https://", None),
        ("https://a b.example/", None),
        ("https://a%2fb.example/", None),
        ("https://a%00.example/", None),
        ("https://\u2100.example/", None),
        ("https://a.example:65536/", None),
        ("https://a.example:8a/", None),
        ("https://[::1", None),
        ("https://[1]/", None),
        ("https://[fe80::1%251]/", None),
        ("#x", None),
        ("", None),
    ],
)
def test_address_is_read_as_a_browser_reads_it(text: str, url: str | None) -> None:
    assert resolved(text, BASE) == url


@given(st.text(alphabet="htps:/\\.%2e@[]#? \t\u3002\ud800\u00e9\u2100a1"), st.sampled_from([BASE, None]))
@example(text="//\ud800@a", base=BASE)
def test_never_raises_and_what_is_read_stays_as_it_is(text: str, base: str | None) -> None:
    url = resolved(text, base)
    assert url is None or (resolved(url, base) == url and urlsplit(url).hostname)


@given(st.lists(st.sampled_from([".", "..", "%2E.", "a", ""]), min_size=1, max_size=8).map("/".join))
def test_no_dots_are_left(path: str) -> None:
    assert not {".", ".."} & set(without_dots(f"/{path}").lower().replace("%2e", ".").split("/"))
