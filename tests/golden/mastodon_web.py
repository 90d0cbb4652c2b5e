"""The recorded visits of moderators to the web interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pyotp

from adapters.sandbox.mastodon.moderation import act_on_report
from adapters.sandbox.mastodon.posting import take_away

from .mastodon_story import Browser, picture

if TYPE_CHECKING:
    from .mastodon_story import Story

FILE = "moderation-web"


def earlier_visit(story: Story) -> None:
    """The recorder had done the same once before: what was left of it shows in counts and pages."""
    for action in ("mark_as_sensitive", "delete", "silence", "suspend", "nonsense"):
        status = story.post("grace", f"earlier, for {action}", pictures=1)
        category = "other" if action == "delete" else "spam"
        report = story.report("warden_bot", "grace", status_ids=[status["id"]], category=category)
        for text in ("Automated check", "") if action == "delete" else ("Automated check",):
            if action != "nonsense":
                _act(story, report, action, text)
        if action in {"silence", "suspend"}:
            story.act("grace", f"un{action}")
    story.post("grace", "earlier, for the batch route", pictures=1)
    with story.box.state.lock:
        for status in story.box.state.statuses_of(int(story.id("grace")))[:2]:
            take_away(story.box.state, status)


def _act(story: Story, report: str, action: Any, text: str) -> None:
    state = story.box.state
    with state.lock:
        act_on_report(state, state.reports[int(report)], action, state.accounts[int(story.id("warden"))], text=text)


def moderation_web(story: Story) -> None:
    """Everything in its order: three browsers, one after the other."""
    people, recorded = story.box.people, story.recorded[FILE]

    def page(number: int, browser: Browser | None, **details: Any) -> None:
        """A form is sent with the token of the page before."""
        form = recorded[number]["request"].get("form", {})
        changes = details.pop("changes", {})
        if "authenticity_token" in form and browser is not None:
            changes = {"authenticity_token": browser.token} | changes
        story.play(FILE, number, browser=browser, changes=changes, **details)

    def sign_in(name: str, **wrong: str) -> dict[str, str]:
        return {"user[email]": people[name].email, "user[password]": people[name].password} | wrong

    first, alice, warden, chief = Browser(), Browser(), Browser(), Browser()
    story.play(FILE, 0)
    page(1, first)
    page(2, first, changes=sign_in("warden", **{"user[password]": "wrong"}))
    page(3, first, changes=sign_in("warden"))
    page(4, alice)
    page(5, alice, changes=sign_in("alice"))
    page(6, alice)
    page(7, warden)
    page(8, warden, changes=sign_in("warden"))
    story.aside("GET", "/api/v1/admin/reports", "warden_bot")
    for number in (9, 10, 11):
        page(number, warden)
    # The notice of the sign-in had been shown on a page that was not recorded.
    story.replay.client.get(f"{story.box.url}/admin/reports", headers={"Cookie": _cookies(warden)})
    _mark(story, page, warden)
    _delete(story, page, warden)
    for start, action in ((32, "silence"), (40, "suspend")):
        story.post("grace", f"for {action}", pictures=picture(700))
        story.play(FILE, start, "warden_bot")
        page(start + 1, warden)
        page(start + 2, warden)
        story.play(FILE, start + 3, "warden_bot")
        story.play(FILE, start + 4, "bob")
        story.play(FILE, start + 5, "warden_bot")
        page(start + 6, None)
        _notifications(story, start + 7)
        story.act("grace", f"un{action}")
    story.post("grace", "for nonsense", pictures=1)
    story.play(FILE, 48, "warden_bot")
    page(49, warden)
    page(50, warden)
    for number, who in ((51, "warden_bot"), (52, "bob"), (53, "warden_bot"), (54, None)):
        story.play(FILE, number, who)
    _notifications(story, 55)
    _accounts_pages(story, page, warden)
    page(63, warden, headers={"X-CSRF-Token": warden.token})
    page(64, warden)
    page(65, chief)
    page(66, chief, changes=sign_in("chief"))
    page(67, chief)
    secret = people["chief"].totp_secret
    assert secret is not None
    page(68, chief, changes={"user[otp_attempt]": pyotp.TOTP(secret).now()})
    page(69, chief)


def _cookies(browser: Browser) -> str:
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def _mark(story: Story, page: Any, warden: Browser) -> None:
    story.post("grace", "for mark_as_sensitive", pictures=1)
    story.play(FILE, 12, "warden_bot")
    page(13, warden)
    page(14, warden)
    page(15, warden, changes={"authenticity_token": "wrong"})
    page(16, warden)
    for number, who in ((17, "warden_bot"), (18, "bob"), (19, "warden_bot"), (20, None)):
        story.play(FILE, number, who)
    _notifications(story, 21)


def _delete(story: Story, page: Any, warden: Browser) -> None:
    recorded = story.recorded[FILE]
    theirs = recorded[22]["request"]["json"]["status_ids"][0]
    status = story.post("grace", "for delete", pictures=1, theirs=theirs)
    story.replay.compare(recorded[28]["request"]["path"], path_of(status["media_attachments"][0]["url"]))
    story.play(FILE, 22, "warden_bot")
    page(23, warden)
    page(24, warden)
    for number, who in ((25, "warden_bot"), (26, "bob"), (27, "warden_bot"), (28, None)):
        story.play(FILE, number, who)
    _notifications(story, 29)
    page(30, warden)
    story.play(FILE, 31, "bob")


def _accounts_pages(story: Story, page: Any, warden: Browser) -> None:
    recorded = story.recorded[FILE]
    story.post("grace", "for the batch route", pictures=1, theirs=_chosen(recorded[57]))
    page(56, warden)
    page(57, warden)
    story.play(FILE, 58, "bob")
    files = {"avatar": ("a.png", picture(701), "image/png")}
    avatar = story.aside("PATCH", "/api/v1/accounts/update_credentials", "grace", files=files)["avatar"]
    story.replay.learn(_name(recorded[61]["request"]["path"]), _name(avatar))
    page(59, warden)
    page(60, warden)
    page(61, warden)
    story.play(FILE, 62, "bob")


def path_of(url: str) -> str:
    return str(httpx.URL(url).path)


def _chosen(exchange: dict[str, Any]) -> str:
    return str(exchange["request"]["form"]["admin_status_batch_action[status_ids][]"][0])


def _name(path: str) -> str:
    return path.rsplit("/", 1)[1].partition(".")[0]


def _notifications(story: Story, number: int) -> None:
    """Numbers of notifications and warnings count what else there was to tell."""
    story.play(FILE, number, "grace", free=["[0].id", "[0].moderation_warning.id"])
    key = (FILE, number)
    story.replay.differences[key] = [one for one in story.replay.differences[key] if not one.startswith("header link")]
