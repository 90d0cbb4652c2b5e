"""Site settings under which the tests can run, put back afterwards."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .answers import body
from .server import UnusableServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .people import Person

LIMITS = ("message", "post", "register", "image", "comment", "search")
PLENTY = 9999  # calls per MINUTE
MINUTE = 60


def limits(*, count: int, seconds: int, of: tuple[str, ...] = LIMITS) -> dict[str, int]:
    """The fields of ``PUT /site`` that set these limits to ``count`` calls per ``seconds``."""
    counts = {f"rate_limit_{name}": count for name in of}
    return counts | {f"rate_limit_{name}_per_second": seconds for name in of}


@contextmanager
def opened(admin: Person, *, slur: str) -> Iterator[None]:
    """Let anybody register, raise the limits, and make ``slur`` a forbidden word."""
    view = body(admin.get("site"))["site_view"]
    before = _as_it_was(view)
    _refuse_if_it_cannot_be_put_back(admin, view["local_site"])
    try:
        body(
            admin.put(
                "site",
                registration_mode="Open",
                captcha_enabled=False,
                slur_filter_regex=slur,
                **limits(count=PLENTY, seconds=MINUTE),
            )
        )
        yield
    finally:
        body(admin.put("site", **before))


def _as_it_was(view: dict[str, Any]) -> dict[str, Any]:
    local, limit = view["local_site"], view["local_site_rate_limit"]
    kept: dict[str, Any] = {name: local[name] for name in ("registration_mode", "captcha_enabled")}
    kept["slur_filter_regex"] = local.get("slur_filter_regex", "")  # an empty text means none
    for name in LIMITS:
        kept |= limits(count=limit[name], seconds=limit[f"{name}_per_second"], of=(name,))
    return kept


def _refuse_if_it_cannot_be_put_back(admin: Person, local_site: dict[str, Any]) -> None:
    if local_site["require_email_verification"]:
        raise UnusableServerError("the site asks for verified mail addresses: turn that off on a server for testing")
    if local_site["registration_mode"] != "RequireApplication":
        return
    # Those who were let in without an answer, as by an earlier run of these tests, stay among the unread.
    unread = body(admin.get("admin/registration_application/list", unread_only="true"))["registration_applications"]
    if not all(row["creator_local_user"]["accepted_application"] for row in unread):
        raise UnusableServerError(
            "people are waiting for an answer to their application, and going back to RequireApplication would accept "
            "them all: answer them first"
        )
