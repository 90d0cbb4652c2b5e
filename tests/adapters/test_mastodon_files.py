"""Whether the public still gets the files of a post, on the server's own host and on others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from mastodon_square import remove, subject
from small_mastodon import Small, running

from adapters.mastodon.files import Files
from adapters.mastodon.settings import MastodonSettings
from bot.domain.decisions import Done

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mastodon_square import Square

PATH = "/bucket/media_attachments/files/1.png"


class Store(Small):
    """An object store with a bucket in the path."""

    def __init__(self) -> None:
        super().__init__("store")
        self.status_of: dict[str, int] = {PATH: 200}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        del query
        self.told.append((method, path, body))
        return self.status_of.get(path, 404), "x"


@pytest.fixture
def store() -> Iterator[Store]:
    with running(Store()) as small:
        assert isinstance(small, Store)
        yield small


def files(url: str, **more: Any) -> Files:
    settings = MastodonSettings.model_validate({"id": "main", "url": url, "token": "t", **more})
    return Files(settings, sleep=lambda _: pytest.fail("there is nothing to wait for"))


def status(url: str, acct: str = "alice") -> dict[str, Any]:
    return {"id": "1", "account": {"id": "100", "acct": acct}, "media_attachments": [{"id": "5", "url": url}]}


def test_bucket_in_the_path_of_the_setting_is_asked_for_once(store: Store) -> None:
    seen = files("http://127.0.0.1:1", files_url=f"{store.url}/bucket")
    assert seen.count([f"{store.url}{PATH}"]).public == 1
    store.status_of[PATH] = 404
    assert seen.count([f"{store.url}{PATH}"]).hidden == 1


@pytest.mark.parametrize("refusal", [401, 403])
def test_refusal_proves_something_of_our_own_host_only(store: Store, refusal: int) -> None:
    store.status_of[PATH] = refusal
    url = f"{store.url}{PATH}"
    assert files("http://127.0.0.1:1", files_url=store.url).count([url]).unknown == 1
    assert files(store.url).count([url]).hidden == 1
    assert files(store.url, files_url=store.url).count([url]).hidden == 1


def test_files_on_a_host_that_no_setting_names_are_not_known_and_named(store: Store) -> None:
    seen = files("http://127.0.0.1:1")
    urls = seen.remember(status(f"{store.url}{PATH}"))
    count = seen.settled(urls, hidden=False)
    assert (count.total, count.unknown) == (1, 1)
    assert store.url.removeprefix("http://") in count.said
    assert "`files_url`" in count.said
    assert not store.told


def test_files_that_other_servers_keep_are_none_of_ours(store: Store) -> None:
    seen = files("http://127.0.0.1:1")
    assert seen.remember(status(f"{store.url}{PATH}", acct="rita@there.example")) == ()
    copy = f"{store.url}/bucket/cache/media_attachments/files/1.png"
    assert seen.remember(status(copy, acct="rita@there.example")) == (copy,)
    assert seen.remember(status("https://[::1/broken")) == ()


def test_removal_and_check_name_the_setting_that_is_missing(square: Square) -> None:
    """The files are on the server's own host here, which the bot reaches by another name."""
    wire = square.status()
    host = square.box.url.removeprefix("http://")
    bot = square.bot(removal={"web": square.web()}, public_url="http://127.0.0.1:1")
    line, *_ = bot.removals.lines()
    assert (line.what, line.ok) == ("files", False)
    assert host in line.detail
    assert "`files_url`" in line.remedy
    outcome = bot.enforcer.apply(remove(subject(wire)))
    assert isinstance(outcome, Done)
    assert f"could not be seen (on {host} the bot looks only if `files_url`" in outcome.note
    assert all(line.what != "files" for line in square.bot().removals.lines())
