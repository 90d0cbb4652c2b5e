"""What a moderator's page says: its title, its notices, the token against forged requests, its forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form. ``fields``: the values that it is sent with as it stands; ``buttons``: those that can be pressed.

    ``boxes``: the values that can be ticked, of all its boxes.
    """

    action: str
    fields: Mapping[str, str]
    boxes: Sequence[str]
    names: frozenset[str]
    buttons: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of Mastodon's own web interface."""

    title: str
    notices: Sequence[str]
    csrf_token: str
    forms: Sequence[Form]

    def form(self, action: str) -> Form | None:
        """The form that is sent to this path."""
        return next((form for form in self.forms if form.action == action), None)

    def form_with(self, name: str) -> Form | None:
        """The form that has this field."""
        return next((form for form in self.forms if name in form.names), None)


def read_page(html: str) -> Page:
    """Whatever is there: nothing in a page that is none."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Page(
        title=" ".join("".join(reader.title).split()),
        notices=tuple(text for notice in reader.notices if (text := " ".join("".join(notice).split()))),
        csrf_token=reader.csrf_token,
        forms=tuple(
            Form(
                action=form.action,
                fields=dict(form.fields),
                boxes=tuple(form.boxes),
                names=frozenset({*form.fields, *form.names}),
                buttons=frozenset(form.buttons),
            )
            for form in reader.forms
        ),
    )


@dataclass(slots=True)
class _Open:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    boxes: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    buttons: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[str] = []
        self.notices: list[list[str]] = []
        self.csrf_token = ""
        self.forms: list[_Open] = []
        self._in_title = False
        self._in_form = False
        self._depth = 0  # of elements inside a notice

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._depth and tag not in _EMPTY:
            self._depth += 1
        if tag == "title":
            self._in_title = not self.title
        elif tag == "meta" and given.get("name") == "csrf-token":
            self.csrf_token = given.get("content", "")
        elif tag == "form":
            self.forms.append(_Open(given.get("action", "")))
            self._in_form = True
        elif tag in {"input", "button", "textarea", "select"} and self._in_form:
            self._field(tag, given)
        elif not self._depth and "flash-message" in given.get("class", "").split():
            self.notices.append([])
            self._depth = 1

    def handle_endtag(self, tag: str) -> None:
        if self._depth and tag not in _EMPTY:
            self._depth -= 1
        if tag == "title":
            self._in_title = False
        elif tag == "form":
            self._in_form = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title.append(data)
        if self._depth:
            self.notices[-1].append(data)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form, name = self.forms[-1], given.get("name", "")
        kind = given.get("type", "text" if tag == "input" else "")
        if not name:
            return
        form.names.add(name)
        if tag == "button" or kind == "submit":
            if "disabled" not in given:
                form.buttons.add(name)
        elif tag == "input" and kind == "hidden":
            form.fields[name] = given.get("value", "")
        elif tag == "input" and kind == "checkbox" and "value" in given:
            form.boxes.append(given["value"])


_EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
