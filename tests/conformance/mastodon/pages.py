"""A moderator's browser: cookies, pages and their forms."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import httpx

from .people import PATIENCE

if TYPE_CHECKING:
    from .server import Credentials, Server


@dataclass(slots=True)
class Form:
    """Where a form goes, and the names and first values of its fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """The forms, the CSRF token and the visible words of a page."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.status = answer.status_code
        self.forms: list[Form] = []
        self.csrf = ""
        self.text = ""
        self._in_form = False
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "meta" and found.get("name") == "csrf-token":
            self.csrf = found.get("content") or ""
        elif tag == "form":
            self._in_form = True
            self.forms.append(Form(found.get("action") or ""))
        elif self._in_form and tag in {"input", "button", "textarea"} and found.get("name"):
            self.forms[-1].fields.setdefault(str(found["name"]), found.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._in_form = False

    def handle_data(self, data: str) -> None:
        self.text += data

    def form(self, action: str) -> Form:
        """The form that goes to this path; ``AssertionError`` names those that are there."""
        for form in self.forms:
            if httpx.URL(form.action).path == action:
                return form
        raise AssertionError(f"no form to {action}, only {[form.action for form in self.forms]}")


class Browser:
    """Keeps cookies itself: those of a server behind a proxy are for HTTPS only, and it is reached by HTTP here."""

    def __init__(self, server: Server) -> None:
        self.cookies: dict[str, str] = {}
        self._client = httpx.Client(base_url=server.url, timeout=PATIENCE, headers=server.headers)

    def request(self, method: str, path: str, **details: Any) -> httpx.Response:
        """One request with the cookies so far; redirects are not followed."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = self._client.request(method, path, headers=headers | details.pop("headers", {}), **details)
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        self._client.cookies.clear()
        return answer

    def page(self, path: str) -> Page:
        """``GET`` a page."""
        return Page(self.request("GET", path))

    def sign_in(self, credentials: Credentials, **wrong: str) -> httpx.Response:
        """Fill in the sign-in page; ``wrong`` replaces the password."""
        token = self.page("/auth/sign_in").form("/auth/sign_in").fields["authenticity_token"]
        form = {
            "authenticity_token": token,
            "user[email]": credentials.email,
            "user[password]": wrong.get("password", credentials.password),
        }
        return self.request("POST", "/auth/sign_in", data=form)

    def act(self, report_id: str, action: str, text: str = "Automated check") -> httpx.Response:
        """Do one of the actions of a report's page, without the step in which it is previewed."""
        token = self.page(f"/admin/reports/{report_id}").csrf
        form = {"authenticity_token": token, "moderation_action": action, "text": text}
        return self.request("POST", f"/admin/reports/{report_id}/actions", data=form)

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()


def code(secret: str, at: float | None = None) -> str:
    """The second factor of now (RFC 6238: SHA-1, six digits, thirty seconds)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    step = int(time.time() if at is None else at) // 30
    digest = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def where(answer: httpx.Response) -> str:
    """The path that a redirect points to."""
    assert answer.status_code == 302, f"{answer.status_code} {answer.text[:300]}"
    return httpx.URL(answer.headers["location"]).path
