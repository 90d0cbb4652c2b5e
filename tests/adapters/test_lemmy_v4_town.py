"""Uploads on a Lemmy 1.0: the server names few of their uploaders, and lets banned accounts go on."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from lemmy_town import MAIN, NewTown
from PIL import Image

from adapters.sandbox.lemmy import LemmySandbox
from bot.domain.content import Alias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.ports import Batch, Instance


@pytest.fixture
def town() -> Iterator[NewTown]:
    with LemmySandbox(version="1.0", purge_delay=0.0) as box:
        built = NewTown(box)
        yield built
        built.close()


def polled(instance: Instance, word: str, after: Any = None) -> Batch:
    return next(one for one in instance.sources if one.name.endswith(f"/{word}")).poll(after)


def test_upload_of_a_banned_account_that_nobody_posts_is_found_and_still_has_its_uploader(town: NewTown) -> None:
    instance = town.connect()
    begun = polled(instance, "files").cursor
    alice = town.box.people["alice"].id
    town.call("admin", "POST", "admin/ban", person_id=alice, ban=True, reason="x")
    alias = Alias(instance=MAIN, value=town.upload("alice"))
    town.clock.offset = timedelta(minutes=10)
    found = {file.name: file for file in polled(instance, "files", begun).files}
    assert found[alias].url == town.url(alias.value)
    assert not found[alias].backlog
    upload = instance.resolver.uploader(alias)
    assert upload is not None
    assert upload.uploader.local_id == str(alice)
    assert instance.resolver.digest(alias) == found[alias].sha256


def test_uploader_that_the_server_does_not_name_is_nobody(town: NewTown) -> None:
    aliases = {town.upload("alice", small()) for _ in range(51)}
    instance = town.connect()
    first = polled(instance, "uploads")
    assert len(first.uploads) == 50
    assert first.more
    second = polled(instance, "uploads", first.cursor)
    assert [hole for hole in second.holes if "fault of the server" in hole]
    assert not second.more
    assert polled(instance, "uploads", second.cursor).holes == []
    told = [instance.resolver.uploader(Alias(instance=MAIN, value=alias)) for alias in sorted(aliases)]
    assert sum(upload is None for upload in told) == 1
    (line,) = (one for one in instance.inspector.check() if one.what == "uploaders")
    assert line.ok
    assert "a fault of this Lemmy" in line.detail


def small() -> bytes:
    """As little work for the server as a picture can be."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(buffer, "JPEG")
    return buffer.getvalue()
