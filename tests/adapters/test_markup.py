from __future__ import annotations

import html
import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.markup import MAX_TEXT, links, looks_like_media

URL = "https://pics.example/a/b.png?x=1"


def found(text: str, base: str | None = None) -> dict[str, bool]:
    return {link.url: link.shown for link in links(text, base)}


@pytest.mark.parametrize(
    "text",
    [
        "![alt]({})",
        '![alt]({} "title")',
        "![]({})",
        "![a][1]\n\n[1]: {}",
        "before ![a *b* c](<{}>) after",
        "[![inner]({})](https://other.example/)",
        '<img src="{}">',
        "<IMG alt=x SRC='{}'/>",
        "<img src={} >",
        '<p><video poster="{}"></video></p>',
        '<img srcset="{} 2x">',
        "> ![quoted]({})",
        "| a | ![cell]({}) |",
        "::: spoiler\n![hidden]({})\n:::",
        "- list\n  - ![deep]({})",
        "> " * 25 + "![quoted]({})",
        "- " * 60 + "![a][1]\n\n[1]: {}",
        "[" * 30 + "![a][ R\n1 ]" + "]" * 30 + "\n\n[r 1]: <{}>",
        "[^1]: ![in a footnote]({})",
        "[a [^1]: ![`]`]({})",
        "x[^1]\n\n[^1]: text\n\n    ![`]`]( {} )",
        "`![code]({})` and\n\n[^1]: ![shown]({})",
        "|a|b|\n|-|-|\n|`|![a]({})|\n|x|`|",
        "::: spoiler x\n```\n:::\n![a]({})\n\n```",
        "https://a.example/`![a]({})`",
        "{`|a} ![a]({}) `",
        "```\n![a]({})\n```\n![b][2]",
        "[^1]: ^[![a](\n> {})",
        "[^1]: ![a][1]\n\nnot [1]: https://other.example/x\n\n[1]: {}",
        "[^1]: ![[](\\[]:)]({})",
        "> ::: spoiler x\n> ```\n> :::\n> ![[](\\[]:)]({})",
    ],
)
def test_pictures_are_shown(text: str) -> None:
    assert found(text.replace("{}", URL))[URL] is True
    without_ending = "https://pics.example/x?id=1"
    assert found(text.replace("{}", without_ending))[without_ending] is True


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "see {}, there",
        "(in brackets {})",
        "<{}>",
        "[text]({})",
        "[text][ref]\n\n[ref]: {}",
        '<a href="{}">x</a>',
        "**{}**",
        "`{}`",
        "```\n{}\n```",
        "`![a]({})`",
        "A picture, like `![a]({})`, or (in a block)\n\n```\n![a]({})\n```\n",
        "![a [b]({})",
        "[![a][1]]({})\n\n[1]: https://other.example/",
        "!\\[a]({})",
        "\\![a]({})",
        "![b] [text][ref]\n\n[ref]: {}",
        "a|{}|b",
        'broken <a href="{}',
        "[{}]({})",
        "\x00{}\x00",
    ],
)
def test_links_are_found(text: str) -> None:
    assert found(text.replace("{}", URL))[URL] is False


def test_entities_and_escapes_are_what_a_browser_makes_of_them() -> None:
    assert "https://h.example/?a=1&b=2" in found("![x](https://h.example/?a=1&amp;b=2)")
    assert "https://h.example/?a=1&b=2" in found('<img src="https://h.example/?a=1&amp;b=2">')
    assert "https://h.example/a_b.png" in found("![x](https://h.example/a\\_b.png)")
    assert "https://h.example/a%20b.png" in found("![x](<https://h.example/a b.png>)")


@pytest.mark.parametrize(
    "picture",
    [
        "![a]({})",
        "![a][1]\n\n[1]: {}",
        "![](https&#58;//pics.example/a\\_b?x=1)",
        '<img src="{}">',
        "[^1]: ![`]`](<{}>)",
    ],
)
def test_long_text_is_looked_at_to_its_end(picture: str) -> None:
    url = "https://pics.example/a_b?x=1"
    assert found(f"[{'x' * MAX_TEXT}\n\n{picture.replace('{}', url)}").get(url) is True


@pytest.mark.parametrize(
    ("text", "emoji"),
    [
        ('![blobcat]({} "emoji blobcat")', True),
        ("![blobcat]({} 'emoji blobcat')", True),
        ('![a][1]\n\n[1]: {} "emoji blobcat"', True),
        ("[^1]: ![blobcat](<{}> (emoji blobcat))", True),
        ('![cat]({} "emojis")', False),
        ('![cat]({} "my emoji cat")', False),
        ('![blobcat]({} "emoji blobcat") ![cat]({})', False),
        ('![blobcat]({} "emoji blobcat")\n<img src="{}">', False),
        ('[blobcat]({} "emoji blobcat")', False),
    ],
)
def test_custom_emoji_is_told_by_its_title(text: str, emoji: bool) -> None:
    (link,) = links(text.replace("{}", URL))
    assert (link.emoji, link.shown) == (emoji, not text.startswith("[") or emoji)


def test_hosts_are_written_as_servers_write_them() -> None:
    assert set(found("![](https://bücher.example/ü.png)")) == {"https://xn--bcher-kva.example/ü.png"}


def test_addresses_without_a_host_lead_to_the_server_that_shows_them() -> None:
    assert found("![](/pictrs/image/x.png)", "https://own.example") == {"https://own.example/pictrs/image/x.png": True}
    assert found("![](//cdn.example/x.png)", "https://own.example") == {"https://cdn.example/x.png": True}
    assert found("![](/pictrs/image/x.png)") == {}


def test_link_is_found_in_deep_quotes_and_lists() -> None:
    for deep in ("> " * 90, "- " * 45):
        assert found(f"{deep}[x](/pictrs/image/x.png)", "https://own.example") == {
            "https://own.example/pictrs/image/x.png": False
        }


def test_slashes_are_read_as_browsers_read_them() -> None:
    own = "http://own.example"
    assert found("![](https:\\\\a.example\\x.png)", own) == {"https://a.example/x.png": True}
    assert found('<img src="\\\\a.example\\x.png?b=\\c">', own) == {"http://a.example/x.png?b=\\c": True}
    assert found("![](https:/a.example/x.png)", own) == {"https://a.example/x.png": True}
    assert found("![](https:////a.example/x.png)")["https://a.example/x.png"] is True
    assert found("![](http:/pictrs/image/x.png)", own) == {"http://own.example/pictrs/image/x.png": True}


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("![](https://own%2eexample/pictrs/image/x)", "https://own.example/pictrs/image/x"),
        ("![](https://\uff4f\uff57\uff4e\u3002example/pictrs/image/x)", "https://own.example/pictrs/image/x"),
        ("![](HTTPS://Own.Example:0443/x)", "https://own.example/x"),
        ("![](/a/../pictrs/%2e/image/x)", "https://own.example/pictrs/image/x"),
        ("![](pictrs//image/x)", "https://own.example/pictrs//image/x"),
        ("![](https:pictrs/image/x)", "https://own.example/pictrs/image/x"),
        ("![](https://h.example/a\u200b\u00ad\u00a0b)", "https://h.example/a%E2%80%8B%C2%AD%C2%A0b"),
        ("![](https://h.example/a\\b)", "https://h.example/a%5Cb"),
        ("![](https://h.example/a\\b)", "https://h.example/a/b"),
        ("![](https://h.example/a&Tab;b)", "https://h.example/a%09b"),
        ("![](https://h.example/a&NewLine;b)", "https://h.example/ab"),
        ("![](https://h.example/a\ufeff)", "https://h.example/a"),
        ('<img src="ht&#9;tps://h.exa&#10;mple/x">', "https://h.example/x"),
        ('<img src="https://h\u00ad.example/x">', "https://h.example/x"),
        ("![](https://\U0001f408.example/x)", "https://xn--zn8h.example/x"),
        (f"![](https://{'a' * 256}/h.example/x)", "https://h.example/x"),
        (f"![](https://h.example/x?{'a' * 20_000})", f"https://h.example/x?{'a' * 20_000}"),
        ("![](https&amp;colon;//h.example/&#97.mp4)", "https://h.example/a.mp4"),
        ("![](https://h.example/&#97x;)", "https://h.example/ax;"),
        ("![](<x\x1f>)", "https://own.example/x%1F"),
        ("![](https://h.example/a\x7fb)", "https://h.example/a%7Fb"),
        ("[^1]: ![](https://h.example/?a=1&copy=2)", "https://h.example/?a=1&copy=2"),
        ("[^1]: ![](https://h.example/\\&amp;)", "https://h.example/&amp;"),
        ("`|![](https://h.example/a[b)|\n-|-\n`", "https://h.example/a[b"),
        ("`|![](https://h.example/a>)|\n-|-\n`", "https://h.example/a>"),
    ],
)
def test_picture_is_found_whose_address_makes_sense_to_a_browser(text: str, url: str) -> None:
    """The page is that of lemmy-ui 0.19.20 and 1.0.0-beta.1, of Photon or Voyager, or of what makes HTML of a text."""
    assert found(text, "https://own.example").get(url) is True


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("see h.example.org/x.png", "http://h.example.org/x.png"),
        ("//h.example/x.png", "https://h.example/x.png"),
        ("^//h.example/x.png^", "https://h.example/x.png"),
        ("www.h.example/x.png", "http://www.h.example/x.png"),
        ("^https://h.example/x.png^", "https://h.example/x.png"),
        ("~{https://h.example/x.png}~", "https://h.example/x.png"),
        ("https://h.example/x|y.png", "https://h.example/x|y.png"),
        ("https://h.example/x[1].png", "https://h.example/x[1].png"),
        ("https://h.example/&#120;&colon;.png", "https://h.example/&#120;&colon;.png"),
        ("https://https://h.example/x.png", "https://h.example/x.png"),
        ("https://a.example/?u=https://h.example/x.png", "https://h.example/x.png"),
        ("`|[x](/x.png)|\n-|-\n`", "https://own.example/x.png"),
        ("`|<https:x.png>|\n-|-\n`", "https://own.example/x.png"),
    ],
)
def test_link_is_found_that_a_page_makes_of_plain_text(text: str, url: str) -> None:
    assert found(text, "https://own.example").get(url) is False


@pytest.mark.parametrize(
    "text", ["e.g./x.png", "a.png/b", "me@h.example.org/x.png", "x.html/y.png", "1.2/3.png", "..org/x"]
)
def test_no_host_is_made_of_words(text: str) -> None:
    assert found(text, "https://own.example") == {}


def test_shown_wins_over_linked() -> None:
    assert found(f"{URL} and ![x]({URL})") == {URL: True}


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "![x](data:image/png;base64,AAAA)",
        "ftp://x.example/a.png",
        "http://",
        "https://[::1",
        "http://x:99999999/",
    ],
)
def test_what_is_not_on_the_web_is_left_out(text: str) -> None:
    assert found(text) == {}


@pytest.mark.parametrize("url", ["https://x/a.PNG", "https://x/a.jpeg?size=3", "https://x/v.webm#t=1"])
def test_looks_like_media(url: str) -> None:
    assert looks_like_media(url)


@pytest.mark.parametrize("url", ["https://x/a.html", "https://x/?f=a.png", "https://x/png", "http://[bad/a.png"])
def test_does_not_look_like_media(url: str) -> None:
    assert not looks_like_media(url)


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "![a](",
        "<",
        "a`",
        "*a ",
        "<a ",
        "&#1",
        "> ",
        "[a](<b",
        "<!--",
        "[a]: ",
        "<![CDATA[",
        "[^",
        "_a__",
        "\\[",
        "src='",
        'src="<',
        "(http://",
        "![",
        "![](<",
        "![][a]: ",
        "![a]:",
        "|a\n|-\n",
        "http://a/[",
        "`a\nb`  ",
        f"![](https://{''.join(map(chr, range(0x4E00, 0x5180)))}\U0001f408/x) ",
    ],
)
@pytest.mark.timeout(120)
def test_hostile_texts_are_read_to_the_end(piece: str) -> None:
    """Each takes seconds at most; where the time grew with the square of the length, it would be hours."""
    links(piece * (100_000 // len(piece)))


PIECES = [*"ab .:/\\[]()<>!\"'`*_|\n\t&;#=?%@é\x00", "http://", "https://", "![", "](", "<img src=", "href=", "&amp;"]
NOISE = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
HOST = st.from_regex(r"[a-z][a-z0-9]{0,8}\.example", fullmatch=True)
PATH = st.from_regex(r"[a-zA-Z0-9]{1,8}(/[a-zA-Z0-9_-]{1,8}){0,2}\.(png|jpg|webp)", fullmatch=True)
SHAPES = st.sampled_from(
    [
        *("![]({})", '![a b]({} "t")', "![a]({} 'quoted')", "[x]({})", "<{}>", " {} ", "\n\n![r]\n\n[r]: {}\n\n"),
        *('<img src="{}">', "<img alt=x src={} >", "<a href='{}'>", '<source srcset="{} 2x, x.png 1x">', "> > ![]({})"),
        *("- a\n  - ![]({})", "| ![]({}) |\n|---|", "::: spoiler s\n![]({})\n:::", "**![]({})**", "[![]({})](/post/1)"),
    ]
)


def as_read(host: str) -> str:
    """A host without the ASCII form that a part of it has where only browsers know how to look it up."""
    parts = (one[4:].encode().decode("punycode") if one.startswith("xn--") else one for one in host.split("."))
    return ".".join(parts)


@given(NOISE)
@example("http://;@a")
def test_never_crashes_and_never_invents_a_host(text: str) -> None:
    plain = html.unescape(text)
    seen = {text, plain, *(re.sub(r"\\(.)", r"\1", one) for one in (text, plain))}
    seen |= {unquote(one) for one in seen}
    for link in links(text):
        host = as_read(urlsplit(link.url).netloc.rpartition("@")[2].lower())
        assert any(host in one.lower().replace("\x00", "\ufffd") for one in seen)


@given(st.lists(st.tuples(SHAPES, HOST, PATH), min_size=1, max_size=5), st.text(alphabet="ab .,\n", max_size=20))
def test_finds_every_planted_url(planted: list[tuple[str, str, str]], between: str) -> None:
    urls = [f"https://{host}/{path}" for _, host, path in planted]
    text = f"\n{between}\n".join(shape.format(url) for (shape, _, _), url in zip(planted, urls, strict=True))
    assert set(urls) <= set(found(text))


@given(HOST, PATH, st.sets(st.integers(0, 40)))
def test_finds_a_picture_whose_address_is_written_in_entities(host: str, path: str, places: set[int]) -> None:
    url = f"https://{host}/{path}"
    written = "".join(f"&#{ord(one)};" if number in places else one for number, one in enumerate(url))
    assert url in found(f'<img src="{written}">')


@given(NOISE, HOST, PATH, NOISE)
def test_finds_a_picture_in_a_paragraph_of_its_own(before: str, host: str, path: str, after: str) -> None:
    url = f"https://{host}/{path}"
    assert url in found(f"{before}\n\n![]({url})\n\n{after}")
