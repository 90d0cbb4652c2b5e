"""What the server pushes by itself."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from ..answers import body
from ..waiting import eventually
from .pictures import png

if TYPE_CHECKING:
    from .hooks import Delivery, Listener
    from .people import Person
    from .server import Server
    from .stage import Stage

pytestmark = pytest.mark.conformance

RETRIED = 240.0  # seconds; Mastodon waits a quarter of a minute, and then for its scheduler


@pytest.fixture(scope="module")
def posted(stage: Stage, hook: Listener, alice: Person) -> tuple[dict[str, Any], Delivery]:
    """A public post with a picture, and its delivery."""
    status = stage.post(alice, pictures=1)
    return status, hook.wait_for("status.created", lambda found: found["id"] == status["id"])


def test_delivery_is_signed_over_its_raw_bytes(posted: tuple[dict[str, Any], Delivery], server: Server) -> None:
    assert posted[1].signed_by(server.webhook_secret)
    assert not posted[1].signed_by(server.webhook_secret + "x")


def test_delivery_carries_its_digest_and_its_time(posted: tuple[dict[str, Any], Delivery]) -> None:
    headers, raw = posted[1].headers, posted[1].raw
    assert headers["digest"] == "SHA-256=" + base64.b64encode(hashlib.sha256(raw).digest()).decode()
    assert headers["date"].endswith(" GMT")
    assert headers["content-type"] == "application/json"


def test_new_post_comes_whole(posted: tuple[dict[str, Any], Delivery]) -> None:
    status, delivery = posted
    found = delivery.body["object"]
    assert found["account"]["id"] == status["account"]["id"]
    assert found["media_attachments"][0]["url"] == status["media_attachments"][0]["url"]


@pytest.mark.parametrize("visibility", ["unlisted", "private", "direct"])
def test_posts_that_are_not_public_come_too(stage: Stage, hook: Listener, alice: Person, visibility: str) -> None:
    status = stage.post(alice, visibility=visibility)
    delivery = hook.wait_for("status.created", lambda found: found["id"] == status["id"])
    assert delivery.body["object"]["visibility"] == visibility


def test_boost_comes_with_the_post_in_it(posted: tuple[dict[str, Any], Delivery], hook: Listener, bob: Person) -> None:
    boost = body(bob.post(f"v1/statuses/{posted[0]['id']}/reblog"))
    delivery = hook.wait_for("status.created", lambda found: found["id"] == boost["id"])
    assert delivery.body["object"]["reblog"]["id"] == posted[0]["id"]


def test_edit_comes(stage: Stage, hook: Listener, alice: Person) -> None:
    status = stage.post(alice)
    body(alice.put(f"v1/statuses/{status['id']}", status="edited", media_ids=[stage.picture(alice)]))
    delivery = hook.wait_for("status.updated", lambda found: found["id"] == status["id"])
    assert len(delivery.body["object"]["media_attachments"]) == 1


def test_changed_account_comes(hook: Listener, alice: Person) -> None:
    files = {"avatar": ("a.png", png(120, 120), "image/png")}
    changed = body(alice.client.patch("/api/v1/accounts/update_credentials", files=files))
    try:
        delivery = hook.wait_for("account.updated", lambda found: found["account"]["avatar"] == changed["avatar"])
        assert delivery.body["object"]["id"] == alice.id
    finally:
        alice.delete("v1/profile/avatar")


def test_report_comes_when_it_is_made_and_when_it_changes(
    stage: Stage, hook: Listener, warden: Person, carol: Person
) -> None:
    report = stage.report(warden, carol.id, comment="by webhook")
    made = hook.wait_for("report.created", lambda found: found["id"] == report["id"])
    assert made.body["object"]["target_account"]["id"] == carol.id
    body(warden.post(f"v1/admin/reports/{report['id']}/resolve"))
    hook.wait_for("report.updated", lambda found: found["id"] == report["id"] and found["action_taken"])


def test_deletion_is_not_told(stage: Stage, hook: Listener, alice: Person) -> None:
    status = stage.post(alice)
    hook.wait_for("status.created", lambda found: found["id"] == status["id"])
    body(alice.delete(f"v1/statuses/{status['id']}"))
    later = stage.post(alice)
    hook.wait_for("status.created", lambda found: found["id"] == later["id"])
    told = [one.body["event"] for one in list(hook.deliveries) if one.body["object"]["id"] == status["id"]]
    assert told == ["status.created"]


def test_delivery_that_fails_for_now_comes_again(stage: Stage, hook: Listener, alice: Person) -> None:
    word = f"trouble{secrets.token_hex(8)}"
    hook.refused_once.add(word)
    status = stage.post(alice, word)

    def times() -> int:
        return sum(one.body["object"]["id"] == status["id"] for one in list(hook.deliveries))

    eventually(lambda: times() >= 2, "a delivery that was refused for now comes again", deadline=RETRIED)
