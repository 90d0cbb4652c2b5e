"""The recorded calls of the API, chapter by chapter."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.boxes import jpeg_movie
from adapters.sandbox.mastodon.seeding import add_account

from .mastodon_story import SIZE, picture
from .pictures import animation, circles

if TYPE_CHECKING:
    from .mastodon_story import Story


# The alternative text of a picture that the sandbox does not have.
_PICTURE = "thumbnail.description"
# What the server says of its feeds had been kept from before they were changed.
_KEPT = tuple(f"configuration.timelines_access.live_feeds.{feed}" for feed in ("local", "remote"))


def instance(story: Story) -> None:
    for number in range(len(story.recorded["instance"])):
        story.play("instance", number, "warden_bot" if number == 10 else None, free=[_PICTURE])


def auth(story: Story) -> None:
    file = "auth"
    who = (None, "bad", "alice", "warden_bot", "warden_readonly", "mod", "admin", None, "bad", "warden_bot")
    for number, one in enumerate(who):
        story.play(file, number, one)
    app = story.play(file, 10).json()
    keys = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    story.play(file, 11)
    token = story.play(file, 12, changes=keys, free=["created_at"]).json()["access_token"]
    story.tokens["app"] = token
    story.play(file, 13, "app")
    story.play(file, 14, "app")
    alice = story.box.people["alice"]
    story.play(file, 15, changes=keys | {"username": alice.email, "password": alice.password}, free=["created_at"])
    story.play(file, 16, changes=keys | {"token": token})
    story.play(file, 17, "app")


def scopes_and_roles(story: Story) -> None:
    file = "scopes-and-roles"
    today = now()
    days = {"start_at": f"{today - timedelta(days=21):%Y-%m-%d}", "end_at": f"{today:%Y-%m-%d}"}
    for number, exchange in enumerate(story.recorded[file]):
        name = exchange["name"].rsplit(", ", 1)[1]
        who = None if name == "no token" else name
        changes = days if exchange["request"]["path"].endswith("/measures") else None
        story.play(file, number, who, changes=changes)


def media_and_statuses(story: Story) -> None:
    file, recorded = "media-and-statuses", story.recorded["media-and-statuses"]
    for number, who in enumerate(("alice", "alice", "bob", "alice", "alice", "alice", None, None, None, "alice")):
        story.play(file, number, who)
    story.upload("alice", theirs=recorded[10]["request"]["json"]["media_ids"][0])
    story.play(file, 10, "bob")
    story.play(file, 11, "alice", file=circles(90, "JPEG"))
    story.play(file, 12, "alice", file=animation(91, size=(64, 64), frames=3, duration=200))
    frames = [circles(92 + number, "JPEG", SIZE) for number in range(50)]
    movie = jpeg_movie(frames, [40] * 50, *SIZE)
    story.play(file, 13, "alice", file=movie)
    story.play(file, 14, "alice")
    story.play(file, 15, "alice")
    story.play_until(file, 16, "alice")
    story.play_until(file, 17, "alice")
    story.play(file, 18, "alice")
    story.play(file, 19, "alice")
    story.play(file, 20, "alice")
    story.play(file, 21, "alice", file=b"this is not a photo")
    story.play(file, 22, "alice", file=b"%PDF-1.4 text.")
    story.play(file, 23, "bob")
    story.play(file, 24)
    for number in (25, 26):
        story.play(file, number, "bob")
    story.play(file, 27, "bob")
    story.upload("alice", theirs=recorded[28]["request"]["json"]["media_ids"][0])
    story.play(file, 28, "alice")
    story.play(file, 29, "bob")
    story.play(file, 30)
    story.play(file, 31, "bob")
    story.play(file, 32, "alice")
    story.play(file, 33, "bob")
    story.play(file, 34, "admin")
    story.play(file, 35, "admin")
    for number in (36, 38):
        deleted = recorded[number]["response"]["body"]
        story.post("alice", deleted["text"], pictures=1, theirs=deleted["id"])
        story.play(file, number, "alice")
        if number == 36:
            story.play_until(file, 37)
    story.play(file, 39, "bob")
    story.play(file, 40)
    story.play(file, 41, "alice", file=circles(93, size=(400, 400)))
    story.play(file, 42, "alice", file=circles(94, size=(600, 200)))
    story.play(file, 43, "bob")
    story.play(file, 44)
    story.play(file, 45, "bob")
    story.play(file, 46, "bob")


def feeds(story: Story) -> None:
    file = "feeds"
    hello = story.post("bob", "hello")
    story.post("bob", "public picture", pictures=1)
    for visibility in ("unlisted", "private", "direct"):
        story.post("bob", f"{visibility} picture", pictures=1, visibility=visibility)
    story.post("carol", "reply to another", in_reply_to_id=hello["id"])
    story.post("bob", "reply to oneself", in_reply_to_id=hello["id"])
    boost = story.aside("POST", f"/api/v1/statuses/{hello['id']}/reblog", "carol")
    story.recognise(boost, "carol", "")
    story.post("erin", "auf Deutsch", pictures=1, language="de")
    story.post("erin", "sensible", pictures=1, sensitive=True, spoiler_text="careful")
    _remote_posts(story)
    story.play(file, 0)
    for number in range(1, 21):
        story.play(file, number, None if number == 16 else "warden_bot")
    story.play(file, 21)
    story.act("erin", "silence")
    for number in (22, 23, 24):
        story.play(file, number, "warden_bot")
    story.act("erin", "unsilence")
    story.aside("POST", f"/api/v1/accounts/{story.id('bob')}/block", "warden")
    story.play(file, 25, "warden_bot")
    story.aside("POST", f"/api/v1/accounts/{story.id('bob')}/unblock", "warden")
    warden = story.box.state.accounts[int(story.id("warden"))].user
    assert warden is not None
    warden.chosen_languages = ["en"]  # a preference of the web interface
    story.play(file, 26, "warden_bot")
    warden.chosen_languages = None
    settings = story.box.state.settings
    settings.feeds_local = settings.feeds_remote = "authenticated"
    for number in range(27, len(story.recorded[file])):
        if number == 31:
            settings.feeds_local = settings.feeds_remote = "disabled"
        name = story.recorded[file][number]["name"].rsplit(", ", 1)[1]
        story.play(file, number, name if name in story.tokens else None, free=[_PICTURE, *_KEPT])
    settings.feeds_local = settings.feeds_remote = "public"


def _remote_posts(story: Story) -> None:
    """Three posts from elsewhere, published now, an hour and a day ago, whose files are not kept here."""
    federation = story.box.federation
    with story.box.state.lock:
        rita = federation.account("rita")
        rita.created_at = now()
        for name, ago in (("now", timedelta()), ("hour-old", timedelta(hours=1)), ("day-old", timedelta(days=1))):
            text = f"<p>remote {name}</p>"
            (theirs,) = [one for one in story.seen.values() if one.get("content") == text]
            made = federation.status(
                rita, f"remote {name}", published=now() - ago, pictures=[picture(80)], cached=False
            )
            made.uri, made.url = theirs["uri"], theirs["url"]
            (media,) = theirs["media_attachments"]
            story.box.state.media[made.media_ids[0]].remote_url = media["remote_url"]
            story.replay.learn(theirs["id"], str(made.id))
            story.replay.learn(media["id"], str(made.media_ids[0]))


def reports(story: Story) -> None:
    file, recorded = "reports", story.recorded["reports"]
    story.post("frank", "bad picture", pictures=1)
    second = story.post("frank", "second", pictures=1)
    story.post("frank", "private", visibility="private", theirs=recorded[13]["request"]["json"]["status_ids"][0])
    story.post("warden", "mine")
    for number in range(33):
        story.play(file, number, "warden_bot")
    story.aside("DELETE", f"/api/v1/statuses/{second['id']}", "frank")
    for number in (33, 34, 35):
        story.play(file, number, "warden_bot")
    theirs = recorded[36]["request"]["json"]["status_ids"][0]
    third = story.post("frank", "never reported", theirs=theirs)
    story.aside("DELETE", f"/api/v1/statuses/{third['id']}", "frank")
    story.play(file, 36, "warden_bot")
    story.play(file, 37, "warden_readonly")
    story.play(file, 38, "grace")
    story.play(file, 39, "mod", free=["[0].id", "[1].id"], headers={})
    _without_notification_ids(story, 39)


def _without_notification_ids(story: Story, number: int) -> None:
    """The link of a page of notifications names their numbers, which count what else there was to tell."""
    key = ("reports", number)
    story.replay.differences[key] = [one for one in story.replay.differences[key] if not one.startswith("header link")]


def actions(story: Story) -> None:
    file = "actions"
    story.post("heidi", "picture", pictures=1)
    who: dict[int, str | None] = {13: "grace", 14: "frank", 45: None, 46: None, 47: None}
    who |= dict.fromkeys((20, 22, 27, 32, 36, 50, 59), "heidi")
    who |= dict.fromkeys((21, 33, 39, 40, 41, 57, 64, 66), "bob")
    who |= dict.fromkeys((38, 48, 49, 58, 67))
    free = {27: ["[0].id", "[0].moderation_warning.id"]}
    for number in range(77):
        if number == 60:
            story.act("heidi", "unsilence")
        play = story.play_until if number in {58, 67} else story.play
        play(file, number, who.get(number, "warden_bot"), free=free.get(number, ()))
    key = (file, 27)
    story.replay.differences[key] = [one for one in story.replay.differences[key] if not one.startswith("header link")]
    with story.box.state.lock:
        (pending,) = story.recorded[file][77]["response"]["body"]
        account = add_account(
            story.box.state, pending["username"], approved=False, invite_request=pending["invite_request"]
        )
    story.replay.learn(pending["id"], str(account.id))
    for number in range(77, len(story.recorded[file])):
        story.play(file, number, "warden_bot")


def blocks(story: Story) -> None:
    file, today = "blocks", now()
    days = {"start_at": f"{today - timedelta(days=2):%Y-%m-%d}", "end_at": f"{today:%Y-%m-%d}"}
    for number, exchange in enumerate(story.recorded[file]):
        changes = days if exchange["name"] == "measures" else None
        story.play(file, number, "admin", changes=changes)


def rate_limit(story: Story) -> None:
    limiter = story.box.limiter
    limiter.enforced = True
    story.play("rate-limit", 0, "carol")
    for _ in range(300):
        story.replay.client.get(
            f"{story.box.url}/api/v1/instance/rules", headers={"Authorization": f"Bearer {story.tokens['carol']}"}
        )
    story.play("rate-limit", 1, "carol")
    story.play("rate-limit", 2, "bob")
    limiter.enforced = False
