"""The recorded federation of a 4.3 with a 4.6: a moderator here, an author there."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.sandbox.mastodon import MastodonSandbox
from adapters.sandbox.mastodon.bridging import connect

from .mastodon_dialect import MASTODON
from .mastodon_people import accounts, statuses
from .mastodon_story import DEADLINE, Browser, Story, _folders, _tokens
from .replay import Replay

if TYPE_CHECKING:
    import httpx

FILE = "federation"
DOMAINS = {"4.3": "a.test", "4.6": "b.test"}
THERE = "the author's server"
NOTES = (3, 5, 10, 15, 17, 35, 44, 46, 47)


def federation(story: Story, client: httpx.Client) -> None:
    """Two new servers, the moderator on the one of this version."""
    version = story.version
    other = "4.6" if version == "4.3" else "4.3"
    mine, theirs = MastodonSandbox(version), MastodonSandbox(other)
    connect(mine.federation, theirs.federation)
    with mine, theirs:
        here, there = _begin(story, mine, theirs, client)
        _arrive(here, there)
        _reports(here, there)
        _suspension(here, there)
        _removal(here, there)
        _end(here, there)
    for number in NOTES:
        here.replay.differences.setdefault((FILE, number), [])
    story.played |= here.played | there.played | {(FILE, number) for number in NOTES}
    story.replay.differences |= here.replay.differences


def _begin(story: Story, mine: MastodonSandbox, theirs: MastodonSandbox, client: httpx.Client) -> tuple[Story, Story]:
    recorded = story.recorded[FILE]
    our_domain = DOMAINS[story.version]
    (their_domain,) = set(DOMAINS.values()) - {our_domain}
    texts = {}
    for domain, box in ((our_domain, mine), (their_domain, theirs)):
        texts[f"https://{domain}"] = box.url
        texts[domain] = box.state.host
    replay = Replay(texts, client, MASTODON)
    here = Story(mine, story.version, replay, _tokens(mine))
    there = Story(theirs, story.version, replay, _tokens(theirs))
    for one, exchanges in (
        (here, [exchange for exchange in recorded if exchange.get("server") != THERE]),
        (there, [exchange for exchange in recorded if exchange.get("server") == THERE]),
    ):
        one.seen = statuses(exchanges)
        for name, number in accounts(exchanges).items():
            if name in one.box.people:
                replay.learn(number, one.box.people[name].id)
                replay.learn(_folders(number), _folders(one.box.people[name].id))
    # There had been reports before on both servers.
    for one, first in ((here, recorded[20]), (there, recorded[23])):
        body = first["response"]["body"]
        number = int(body["id"] if isinstance(body, dict) else body[0]["id"])
        for _ in range(number - 1):
            report = one.report("bob", "frank")
            one.aside("POST", f"/api/v1/admin/reports/{report}/resolve", "warden_bot")
    return here, there


def _written(here: Story, there: Story, who: str, text: str, *, arrives: bool = True) -> dict[str, Any]:
    """A post with a picture over there; learnt on both sides, if it comes."""
    made = there.post(who, text, pictures=1)
    handle = f"{who}@{there.box.state.host}"
    if not arrives:
        return made
    found = _here(here, made["uri"])
    assert found["account"]["acct"] == handle
    remote = next(
        (one for one in here.seen.values() if one["content"] == f"<p>{text}</p>" and "@" in one["account"]["acct"]),
        None,
    )
    if remote is not None:
        here.replay.compare(remote, found)
    return made


def _here(here: Story, uri: str) -> dict[str, Any]:
    """A status of the other server, once it has come."""
    end = time.monotonic() + DEADLINE
    while True:
        with here.box.state.lock:
            found = [one.id for one in here.box.state.statuses.values() if one.uri == uri]
        if found:
            status: dict[str, Any] = here.aside("GET", f"/api/v1/statuses/{found[0]}", "bob")
            return status
        assert time.monotonic() < end, f"{uri} did not come"
        time.sleep(0.01)


def _absent(here: Story, uri: str) -> None:
    with here.box.state.lock:
        assert not [one.id for one in here.box.state.statuses.values() if one.uri == uri and one.live]


def _arrive(here: Story, there: Story) -> None:
    here.play(FILE, 0, "alice")
    here.play(FILE, 1, "warden_bot")
    here.play(FILE, 2, "alice")
    first = _written(here, there, "dave", "federated picture")
    here.play(FILE, 4, "warden_bot")
    here.play(FILE, 6)
    here.play(FILE, 7)
    _original(there, first)
    there.play(FILE, 8)
    here.play(FILE, 9, "warden_bot")
    media = there.upload("dave")
    content = {"status": "federated picture, edited", "media_ids": [media]}
    there.aside("PUT", f"/api/v1/statuses/{first['id']}", "dave", json=content)
    here.play_until(FILE, 11, "warden_bot")
    here.play(FILE, 12, "warden_bot")
    here.play(FILE, 13)
    here.play(FILE, 14)
    _next_second(first)
    unfollowed = _written(here, there, "erin", "unfollowed picture", arrives=False)
    _absent(here, unfollowed["uri"])
    marker = here.post("alice", "local marker")
    address = here.recorded[FILE][16]["request"]["query"]["q"]
    here.replay.learn(address.rsplit("/", 1)[1], unfollowed["id"])
    found = here.play(FILE, 16, "alice").json()["statuses"][0]
    assert int(found["id"]) < int(marker["id"])
    here.play(FILE, 18, "warden_bot")
    here.play(FILE, 19, "warden_bot")


def _next_second(status: dict[str, Any]) -> None:
    """Ids here are made of whole seconds: two posts of the same second have an order of their own."""
    while time.time() < int(datetime.fromisoformat(status["created_at"]).timestamp()) + 1:
        time.sleep(0.02)


def _original(there: Story, status: dict[str, Any]) -> None:
    """The names in the address of the author's own file."""
    path = there.recorded[FILE][8]["request"]["path"]
    url = status["media_attachments"][0]["url"]
    there.replay.compare(path, url.removeprefix(there.box.url))


def _reports(here: Story, there: Story) -> None:
    here.play(FILE, 20, "warden_bot")
    there.play(FILE, 21, "warden_bot")
    here.play(FILE, 22, "warden_bot")
    there.play_until(FILE, 23, "warden_bot")
    here.play(FILE, 24, "warden_bot")


def _suspension(here: Story, there: Story) -> None:
    here.play(FILE, 25, "warden_bot")
    here.play(FILE, 26, "bob")
    there.play(FILE, 27, "bob")
    here.play(FILE, 28, "warden_bot")
    here.play(FILE, 29, "warden_bot")
    here.play(FILE, 30, "bob")
    here.play(FILE, 31)
    here.play(FILE, 32)
    meanwhile = _written(here, there, "dave", "while suspended", arrives=False)
    here.play(FILE, 33, "warden_bot")
    here.play_until(FILE, 34, "bob")
    _absent(here, meanwhile["uri"])
    here.play(FILE, 36, "alice")


def _removal(here: Story, there: Story) -> None:
    recorded = here.recorded[FILE]
    removed = _written(here, there, "dave", "to be removed here")
    found = _here(here, removed["uri"])
    here.replay.learn(recorded[37]["request"]["json"]["status_ids"][0], found["id"])
    url = found["media_attachments"][0]["url"]
    here.replay.compare(recorded[41]["request"]["path"], url.removeprefix(here.box.url))
    here.play(FILE, 37, "warden_bot")
    browser = _signed_in(here)
    here.play(FILE, 38, browser=browser, changes={"authenticity_token": browser.token})
    here.play(FILE, 39, "bob")
    there.play(FILE, 40, "bob")
    here.play(FILE, 41)
    here.play(FILE, 42, "warden_bot")
    there.play(FILE, 43, "warden_bot")
    there.aside("PUT", f"/api/v1/statuses/{removed['id']}", "dave", json={"status": "edited after the removal"})
    _absent(here, removed["uri"])
    here.play(FILE, 45, "alice")
    _absent(here, removed["uri"])


def _signed_in(story: Story) -> Browser:
    browser, client, person = Browser(), story.replay.client, story.box.people["warden"]

    def visit(method: str, path: str, **details: Any) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        story._keep(browser, client.request(method, story.box.url + path, headers={"Cookie": cookies}, **details))

    visit("GET", "/auth/sign_in")
    form = {"authenticity_token": browser.token, "user[email]": person.email, "user[password]": person.password}
    visit("POST", "/auth/sign_in", data=form)
    visit("GET", "/admin/reports")
    return browser


def _end(here: Story, there: Story) -> None:
    theirs = next(one for one in there.seen.values() if one["content"] == "<p>federated picture, edited</p>")
    number = there.replay.translated(theirs["id"])
    there.aside("DELETE", f"/api/v1/statuses/{number}", "dave")
    here.play_until(FILE, 48, "bob")
    here.play(FILE, 49)
    for number in (50, 51, 52, 53):
        here.play(FILE, number, "warden_bot")
    there.play(FILE, 54, "bob")
