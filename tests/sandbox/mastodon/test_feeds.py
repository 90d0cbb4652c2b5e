"""What the public feed leaves out because of the one who asks, or of the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .square import Square

_NEEDS_LOGIN = (422, "This method requires an authenticated user")
_PUBLIC = "/api/v1/timelines/public"


def test_chosen_languages_shrink_the_feed_without_a_word(square: Square) -> None:
    square.post("alice", "in English")
    square.post("alice", "auf Deutsch", language="de")
    warden = square.account("warden").user
    assert warden is not None
    warden.chosen_languages = ["en"]
    assert square.feed() == ["in English"]
    assert square.feed(None) == ["auf Deutsch", "in English"]


def test_status_without_a_language_passes_the_chosen_ones(square: Square) -> None:
    square.box.federation.status(square.box.federation.account("rita"), "of no language")
    warden = square.account("warden").user
    assert warden is not None
    warden.chosen_languages = ["en"]
    assert square.feed() == ["of no language"]


def test_author_who_blocks_the_bot_is_not_in_its_feed(square: Square) -> None:
    square.post("alice", "unseen")
    square.send("alice", f"/api/v1/accounts/{square.id('warden')}/block")
    assert square.feed() == []


def test_hidden_server_is_not_in_the_feed(square: Square) -> None:
    square.box.federation.status(square.box.federation.account("rita"), "from afar")
    square.send("warden", "/api/v1/domain_blocks", domain="remote.test")
    assert square.feed() == []
    assert square.feed("bob") == ["from afar"]


def test_words_are_no_limit_and_a_sign_does_not_count(square: Square) -> None:
    square.post("alice", "one")
    square.post("alice", "two")
    assert square.feed(limit="abc") == []
    assert square.feed(limit="-1") == ["two"]


def test_feed_of_media_keeps_a_status_whose_pictures_were_edited_out(square: Square) -> None:
    status = square.post("alice", "with picture", pictures=1)
    square.send("alice", f"/api/v1/statuses/{status['id']}", "PUT", status="without", media_ids=[])
    assert square.feed(only_media="true") == ["without"]


def test_closed_preview_asks_strangers_for_a_login(older: Square) -> None:
    older.box.state.settings.feeds_local = older.box.state.settings.feeds_remote = "authenticated"
    assert older.refusal(None, _PUBLIC, "GET") == _NEEDS_LOGIN
    assert older.feed() == []


def test_disabled_feed_is_empty_without_the_permission_and_full_with_it(newer: Square) -> None:
    newer.post("alice", "kept in")
    newer.box.state.settings.feeds_local = newer.box.state.settings.feeds_remote = "disabled"
    assert newer.refusal(None, _PUBLIC, "GET") == _NEEDS_LOGIN
    assert newer.feed() == []
    assert newer.feed("mod/bot") == ["kept in"]


def test_only_one_half_of_the_feed_may_be_disabled(newer: Square) -> None:
    newer.post("alice", "here")
    newer.box.federation.status(newer.box.federation.account("rita"), "there")
    newer.box.state.settings.feeds_local = "disabled"
    assert newer.feed() == ["there"]
    assert newer.feed(local="true") == []
    assert newer.feed(None, remote="true") == ["there"]


def test_instance_tells_the_settings_of_the_feeds_since_4_5(older: Square, newer: Square) -> None:
    newer.box.state.settings.feeds_remote = "disabled"
    access = newer.get(None, "/api/v2/instance")["configuration"]["timelines_access"]
    assert access["live_feeds"] == {"local": "public", "remote": "disabled"}
    assert "timelines_access" not in older.get(None, "/api/v2/instance")["configuration"]
