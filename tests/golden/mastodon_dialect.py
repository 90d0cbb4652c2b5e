"""How recordings of Mastodon are compared: ids, file names, pages."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from .replay import HTTP_DATE, NUMBER, TIME, Dialect, same_length

if TYPE_CHECKING:
    import httpx

    from .replay import Comparison

# An id made of a time; the same as folders of a path; the random name of a file; the slug of a status elsewhere.
_NAMES = re.compile(
    r"\d{3}(?:/\d{3}){5}|(?<!\d)\d{17,19}(?!\d)|(?<![0-9a-zA-Z])[0-9a-f]{16}(?![0-9a-zA-Z])|(?<=pending)\d{4}(?!\d)"
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_GROUP = re.compile(r"ungrouped-\d+")
_ETAG = re.compile(r'W/"[0-9a-f]{32}"')
_MICROSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_COOKIE = re.compile(r"(?:^|[,;] )(_[a-z_]+)=")
_TITLE, _HEADING = re.compile(r"<title>(.*?)</title>", re.DOTALL), re.compile(r"<h1>(.*?)</h1>", re.DOTALL)


def _same_header(name: str, theirs: str, ours: str) -> bool:
    """Of cookies the names and their order count."""
    return name == "set-cookie" and _COOKIE.findall(theirs) == _COOKIE.findall(ours)


def _body(comparison: Comparison, answer: httpx.Response) -> bool:
    theirs = comparison.recorded["body"]
    if isinstance(theirs, dict) and set(theirs) == {"bytes", "sha256", "magic"}:
        _file(comparison, theirs, answer)
    elif isinstance(theirs, dict) and theirs.get("html"):
        ours = read_page(answer.text)
        for key in ("title", "notices", "meta_csrf_token", "forms"):
            comparison.value(key, theirs[key], ours[key])
    elif isinstance(theirs, str) and theirs.startswith("<!DOCTYPE"):
        for place, pattern in (("title", _TITLE), ("heading", _HEADING)):
            left, right = pattern.search(theirs), pattern.search(answer.text)
            if left is None or right is None or left[1] != right[1]:
                comparison.say(place, left and left[1], right and right[1])
    else:
        return False
    return True


def _file(comparison: Comparison, theirs: dict[str, Any], answer: httpx.Response) -> None:
    """The format, and that what were the same bytes then are the same bytes now."""
    names, ours = comparison.replay.names, hashlib.sha256(answer.content).hexdigest()
    if not answer.content.hex().startswith(theirs["magic"][:8]):
        comparison.say("magic", theirs["magic"], answer.content[:12].hex())
    if names.setdefault(theirs["sha256"], ours) != ours:
        comparison.say("bytes", "the same as before", "others")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.notices: list[str] = []
        self.csrf = False
        self.forms: list[dict[str, Any]] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "title" or "flash-message" in (given.get("class") or ""):
            self._within.append(tag)
            if tag != "title":
                self.notices.append("")
        elif tag == "meta" and given.get("name") == "csrf-token":
            self.csrf = bool(given.get("content"))
        elif tag == "form":
            self.forms.append(
                {"id": given.get("id"), "action": given.get("action"), "method": given.get("method"), "fields": []}
            )
            self._within.append(tag)
        elif "form" in self._within and tag in {"input", "button", "textarea"}:
            self.forms[-1]["fields"].append(_field(tag, given))

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if self._within[-1:] == ["title"]:
            self.title += data
        elif self._within[-1:] == ["div"]:
            self.notices[-1] += data


def _field(tag: str, given: dict[str, str | None]) -> dict[str, Any]:
    found: dict[str, Any] = {"tag": tag, "name": given.get("name")}
    if tag != "textarea":
        found["type"] = given.get("type")
    if given.get("type") == "hidden" and given.get("name") != "authenticity_token":
        found["value"] = given.get("value")
    if "disabled" in given:
        found["disabled"] = True
    return found


def read_page(text: str) -> dict[str, Any]:
    """A page as the recordings keep it."""
    page = _Page()
    page.feed(text)
    return {
        "title": page.title.strip(),
        "notices": [" ".join(notice.split()) for notice in page.notices],
        "meta_csrf_token": page.csrf,
        "forms": page.forms,
    }


def _same_mailbox(theirs: str, ours: str) -> bool:
    """The sandbox's people keep the domain of the one recorded server, whatever it is called."""
    return ours == (f"{theirs.partition('@')[0]}@mastodon.test" if theirs else "")


MASTODON = Dialect(
    names=_NAMES,
    shapes=(TIME, _DAY, _GROUP),
    headers={
        "etag": _ETAG,
        "last-modified": HTTP_DATE,
        "content-length": NUMBER,
        "x-ratelimit-remaining": NUMBER,
        "x-ratelimit-reset": _MICROSECONDS,
    },
    free=frozenset({"bitrate"}),  # says how well the encoder of the day did
    keys={"blurhash": same_length, "email": _same_mailbox},
    body=_body,
    same_header=_same_header,
)
