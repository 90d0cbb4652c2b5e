"""What servers that only speak Mastodon's API offer: asked of them, and nothing taken for granted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from mastodon_square import limit, mark, remove, report, subject, suspend
from small_mastodon import Small, admin_account, running

from adapters.http import Transport
from adapters.mastodon.client import MastodonClient
from adapters.mastodon.deeds import deeds
from adapters.mastodon.server import Server
from adapters.mastodon.settings import MastodonSettings
from adapters.mastodon.ways import ForkApi
from bot.domain.decisions import AlreadyDone, Done, Failed, Refused, SetSwitch, Switch
from bot.domain.errors import NotPermittedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.mastodon.deeds import Deeds
    from adapters.mastodon.ways import Act, Target
    from bot.domain.content import Post

FORK = ("read", "write", "admin:read", "admin:write", "admin:read:statuses", "admin:write:statuses")
PLEROMA = ("read", "write", "follow", "push", "admin", "admin:write:statuses")


def bot(small: Small, **more: Any) -> Deeds:
    settings = MastodonSettings.model_validate({"id": "main", "url": small.url, "token": "t", **more})
    client = MastodonClient(settings, Transport(settings.url))
    return deeds(client, Server(client))


@pytest.fixture
def fork(monkeypatch: pytest.MonkeyPatch) -> Iterator[Small]:
    monkeypatch.setattr("adapters.mastodon.files.WAIT", 0.3)
    with running(Small("mastodon", scopes=FORK)) as small:
        yield small


@pytest.fixture(params=["akkoma", "sharkey"])
def other(request: pytest.FixtureRequest) -> Iterator[Small]:
    with running(Small(request.param, scopes=PLEROMA if request.param == "akkoma" else ())) as small:
        yield small


@pytest.fixture
def gotosocial() -> Iterator[Small]:
    with running(Small("gotosocial", version="git-57cb4fe")) as small:
        yield small


def post(small: Small) -> Post:
    return subject(small.status())


# ------------------------------------------------------------------------------------------------ a fork's own call


def test_fork_that_advertises_its_scope_removes_by_it(fork: Small) -> None:
    acting, wanted = bot(fork), remove(post(fork))
    offer = acting.enforcer.offers(wanted)
    assert (offer.supported, offer.reversible, offer.route) == (True, False, "api")
    outcome = acting.enforcer.apply(wanted)
    assert isinstance(outcome, Done)
    assert outcome.note.startswith("removed, by api")
    assert acting.enforcer.verify(wanted).so
    assert fork.told == [("DELETE", "/api/v1/admin/statuses/1", None)]
    assert isinstance(acting.enforcer.apply(wanted), AlreadyDone)


def test_fork_covers_media_and_uncovers_it(fork: Small) -> None:
    acting, wanted = bot(fork), mark(post(fork))
    offer = acting.enforcer.offers(wanted)
    assert (offer.reversible, offer.by_hand, offer.undone) == (True, False, "the warning is taken off again")
    before = acting.enforcer.verify(wanted).state
    assert isinstance(acting.enforcer.apply(wanted), Done)
    assert fork.told[0][2] == {"type": "sensitive", "text": wanted.text, "send_email_notification": False}
    assert isinstance(acting.enforcer.revert(wanted, before), Done)
    assert acting.enforcer.verify(wanted).so is False


def test_report_that_a_human_closes_later_does_not_make_our_deed_theirs(fork: Small) -> None:
    """The call of a fork closes none, so that who closed ours has said nothing about the post."""
    acting, one = bot(fork), post(fork)
    acting.enforcer.apply(report(one))
    before = acting.enforcer.verify(mark(one)).state
    assert isinstance(acting.enforcer.apply(mark(one)), Done)
    closed = {"action_taken": True, "action_taken_at": "2026-11-23T07:13:55.000Z"}
    fork.reports[0] |= {**closed, "action_taken_by_account": admin_account("901", "mod")}
    found = bot(fork).enforcer.verify(mark(one))
    assert (found.so, found.by_us) == (True, None)
    assert isinstance(acting.enforcer.revert(mark(one), before), Done)


def test_way_back_that_is_refused_leads_to_the_next_one(fork: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: ForkApi, act: Act, target: Target) -> None:
        raise NotPermittedError("not allowed", code="not_allowed")

    removal = {"command": {"remove": ["/bin/false"], "unmark_sensitive": ["/bin/false"]}}
    acting, wanted = bot(fork, removal=removal), mark(post(fork))
    before = acting.enforcer.verify(wanted).state
    acting.enforcer.apply(wanted)
    monkeypatch.setattr(ForkApi, "go", refuse)
    outcome = acting.enforcer.revert(wanted, before)
    assert isinstance(outcome, Failed)
    assert not outcome.unknown
    assert "api: not allowed; command: the command `false` failed" in outcome.note


def test_order_of_the_settings_decides(fork: Small) -> None:
    removal = {"order": ["command", "api"], "command": {"remove": ["/bin/false"]}}
    outcome = bot(fork, removal=removal).enforcer.apply(remove(post(fork)))
    assert isinstance(outcome, Done)
    assert outcome.note.startswith("removed, by api (command: the command `false` failed (status 1)")


def test_token_without_the_scope_is_said(fork: Small) -> None:
    fork.own_scopes = ("read", "admin:read", "admin:write:accounts")
    offer = bot(fork).enforcer.offers(remove(post(fork)))
    assert not offer.supported
    assert "the token lacks the scope `admin:write:statuses`" in offer.why_not


def test_check_tells_of_the_fork(fork: Small) -> None:
    lines = {line.what: line.detail for line in bot(fork).removals.lines()}
    assert lines["removal by api"].startswith("removes a post and covers its media, by the server's own call")


# ------------------------------------------------------------------------------------------------ Akkoma, Sharkey


def test_moderators_remove_by_the_call_of_authors(other: Small) -> None:
    acting, wanted = bot(other), remove(post(other))
    assert acting.enforcer.offers(wanted).route == "delete"
    assert isinstance(acting.enforcer.apply(wanted), Done)
    for one, by_us in ((acting, True), (bot(other), None)):  # no log tells, so only who did it knows
        found = one.enforcer.verify(wanted)
        assert (found.so, found.by_us) == (True, by_us)
    assert other.told == [("DELETE", "/api/v1/statuses/1", None)]
    assert isinstance(acting.enforcer.apply(wanted), AlreadyDone)


def test_post_that_strangers_are_not_shown_is_there(other: Small) -> None:
    """Akkoma and forks have posts for their own people only: a stranger hears that there is none."""
    other.strangers = False
    acting, wanted = bot(other), remove(post(other))
    assert acting.enforcer.verify(wanted).so is False
    assert isinstance(acting.enforcer.apply(wanted), Done)
    assert other.told == [("DELETE", "/api/v1/statuses/1", None)]
    assert acting.enforcer.verify(wanted).so


def test_what_they_do_not_do_is_not_offered(other: Small) -> None:
    acting, one = bot(other), post(other)
    assert one.author is not None
    switch = SetSwitch(instance=one.instance, switch=Switch.FEDERATION, value="off", host="bad.example")
    for intent in (report(one), mark(one), limit(one.author), suspend(one.author), switch):
        offer = acting.enforcer.offers(intent)
        assert not offer.supported
        assert offer.why_not
        assert isinstance(acting.enforcer.apply(intent), Refused)
    assert other.told == []


def test_mastodon_itself_is_not_asked_for_the_call_of_authors() -> None:
    with running(Small("mastodon")) as small:
        outcome = bot(small).enforcer.apply(remove(post(small)))
        assert isinstance(outcome, Refused)
        assert small.told == []


# ------------------------------------------------------------------------------------------------ GoToSocial


def test_gotosocial_only_suspends_and_for_good(gotosocial: Small) -> None:
    acting, one = bot(gotosocial), post(gotosocial)
    assert one.author is not None
    offer = acting.enforcer.offers(suspend(one.author))
    assert (offer.supported, offer.reversible) == (True, False)
    assert isinstance(acting.enforcer.apply(suspend(one.author)), Done)
    assert acting.enforcer.verify(suspend(one.author)).so
    outcome = acting.enforcer.revert(suspend(one.author), {"suspended": False})
    assert isinstance(outcome, Refused)
    for intent in (remove(one), mark(one), limit(one.author)):
        assert not acting.enforcer.offers(intent).supported


def test_gotosocial_gets_one_report(gotosocial: Small) -> None:
    acting, one = bot(gotosocial), post(gotosocial)
    assert isinstance(acting.enforcer.apply(report(one)), Done)
    assert isinstance(acting.enforcer.apply(report(one)), AlreadyDone)
    assert len(gotosocial.reports) == 1


def test_gotosocial_whose_undo_is_missing_says_so_and_not_unknown(gotosocial: Small) -> None:
    acting, one = bot(gotosocial), post(gotosocial)
    acting.enforcer.apply(report(one))
    outcome = acting.enforcer.revert(report(one), {})
    assert not isinstance(outcome, Failed) or not outcome.unknown
