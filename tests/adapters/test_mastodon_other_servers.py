"""GoToSocial's answers (recorded from 0.20): ids that are no numbers, no ``uri`` of accounts, no scopes told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lemmy_town import TestClock

from adapters.mastodon.builder import build
from adapters.mastodon.settings import MastodonSettings
from bot.domain.content import Attachment, InstanceId, SubjectKey
from bot.domain.decisions import MarkSensitive, Remove
from bot.ledger import open_ledger
from bot.ports import Batch, Gone
from listening import listening

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from datetime import timedelta

    from bot.ports import Instance

GOLDEN = Path(__file__).parent / "golden" / "mastodon"
MAIN = InstanceId("main")


def view(case: str) -> Any:
    return json.loads((GOLDEN / f"{case}.wire.json").read_text())["view"]


def playing(answers: Mapping[str, Any]) -> AbstractContextManager[str]:
    """A server that has an answer for some paths, and 404 for the others."""

    def answer(asked: str) -> tuple[int, bytes, dict[str, str]]:
        path = asked.partition("?")[0]
        status, found = (200, answers[path]) if path in answers else (404, {"error": "Not Found"})
        return status, json.dumps(found).encode(), {"Content-Type": "application/json"}

    return listening(answer)


def gotosocial() -> dict[str, Any]:
    status, me = view("status-gotosocial"), view("profile-gotosocial")
    return {
        "/.well-known/nodeinfo": {"links": [{"href": "http://127.0.0.1:8590/nodeinfo/2.0"}]},
        "/nodeinfo/2.0": {"software": {"name": "gotosocial", "version": "git-57cb4fe"}},
        "/api/v2/instance": {"domain": "127.0.0.1:8590", "account_domain": "127.0.0.1:8590", "version": "git-57cb4fe"},
        "/api/v1/accounts/verify_credentials": me,
        "/api/v1/timelines/public": [status],
        f"/api/v1/statuses/{status['id']}": status,
        "/api/v1/custom_emojis": [],
        "/api/v2/admin/accounts": [{"id": me["id"], "role": me["role"], "account": me}],
    }


def connected(url: str, *, start_from: timedelta | None = None) -> Instance:
    settings = MastodonSettings.model_validate(
        {"id": "main", "url": url, "public_url": "http://127.0.0.1:8590", "token": "t" * 20}
    )
    clock = TestClock()
    return build(settings, clock, start_from, open_ledger("sqlite://", clock=clock))


def test_gotosocial_is_read_like_mastodon() -> None:
    status = view("status-gotosocial")
    with playing(gotosocial()) as url:
        instance = connected(url)
        batches = [source.poll(None) for source in instance.sources]
        assert [batch.holes for batch in batches] == [[]] * len(batches)
        (one,) = {seen.name: seen for batch in batches for seen in batch.sightings}.values()
        assert one.name == Attachment(instance=MAIN, value="01M811ND177FJR5CGKR9M0CGX8")
        assert one.subject.local_id == status["id"]
        assert one.subject.author is not None
        assert one.subject.author.uri == status["account"]["url"]
        key = SubjectKey(instance=MAIN, kind="post", local_id=status["id"])
        assert isinstance(instance.sources[0].read(key), Batch)
        missing = SubjectKey(instance=MAIN, kind="post", local_id="01ZZZZZZZZZZZZZZZZZZZZZZZZ")
        assert isinstance(instance.sources[0].read(missing), Gone)
        assert instance.resolver.locate(status["id"]) == key
        assert instance.resolver.locate(one.media.url) == one.name


def test_what_gotosocial_does_not_offer_is_said_and_held() -> None:
    with playing(gotosocial()) as url:
        instance = connected(url)
        batch = instance.sources[0].poll(None)
        subject = batch.sightings[0].subject
        for kind in (Remove, MarkSensitive):
            offer = instance.enforcer.offers(kind(instance=MAIN, subject=subject, text="x"))
            assert not offer.supported
            assert offer.why_not
        lines = {line.what: line for line in instance.inspector.check()}
    assert "GoToSocial" in lines["server"].detail
    assert "does not tell" in lines["scopes"].detail
    assert lines["role"].ok


@pytest.mark.parametrize("software", ["akkoma", "pleroma", "sharkey"])
def test_servers_that_obey_a_plain_call_offer_removal(software: str) -> None:
    told = {**gotosocial(), "/nodeinfo/2.0": {"software": {"name": software, "version": "1"}}}
    with playing(told) as url:
        instance = connected(url)
        subject = instance.sources[0].poll(None).sightings[0].subject
        offer = instance.enforcer.offers(Remove(instance=MAIN, subject=subject, text="x"))
    assert offer.supported
    assert not offer.reversible


@pytest.mark.parametrize(
    ("theirs", "may"),
    [({"is_admin": True}, True), ({"is_moderator": True}, True), ({"is_admin": False}, False), (None, True)],
)
def test_servers_without_roles_tell_who_is_staff_or_nothing(theirs: Any, may: bool) -> None:
    me = {key: value for key, value in view("profile-gotosocial").items() if key not in {"role", "roles"}}
    told = {
        **gotosocial(),
        "/nodeinfo/2.0": {"software": {"name": "akkoma", "version": "1"}},
        "/api/v1/accounts/verify_credentials": me if theirs is None else {**me, "pleroma": theirs},
    }
    with playing(told) as url:
        instance = connected(url)
        role = next(line for line in instance.inspector.check() if line.what == "role")
    assert role.ok is may
