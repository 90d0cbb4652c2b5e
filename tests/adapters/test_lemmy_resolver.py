from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from lemmy_town import MAIN, picture

from adapters.lemmy import uploads
from adapters.sandbox.lemmy import respond
from bot.domain.content import Alias, RemoteUrl, StorageKey, SubjectKey
from bot.domain.errors import UnreachableError
from conformance.waiting import eventually

if TYPE_CHECKING:
    from lemmy_town import Town

    from bot.ports import Instance


def alias(value: str) -> Alias:
    return Alias(instance=MAIN, value=value)


def path_of(town: Town, name: str) -> StorageKey:
    return StorageKey(instance=MAIN, value=town.box.files.file(name).identifier)


@pytest.fixture(params=["with key", "without key"])
def either(request: pytest.FixtureRequest, town: Town) -> Instance:
    return town.connect() if request.param == "with key" else town.connect(pictrs=None)


def test_other_names_by_pictrs_only(town: Town) -> None:
    content = picture()
    one, other, third = town.upload("alice", content), town.upload("bob", content), town.upload()
    resolver = town.connect().resolver
    assert resolver.names(alias(one)) == [alias(other), path_of(town, one)]
    assert resolver.names(alias(third)) == [path_of(town, third)]
    assert resolver.names(alias("00000000-dead.png")) == []
    assert resolver.names(RemoteUrl(value="https://x.example/y.png")) == []
    assert town.connect(pictrs=None).resolver.names(alias(one)) == ()


def test_two_names_of_one_file_have_one_digest(town: Town, either: Instance) -> None:
    content = picture()
    one, other = town.upload("alice", content), town.upload("bob", content)
    stored = town.client("alice").get(town.url(one)).content
    wanted = hashlib.sha256(stored).hexdigest()
    assert either.resolver.digest(alias(one)) == either.resolver.digest(alias(other)) == wanted
    assert either.resolver.digest(alias("00000000-dead.png")) is None


def test_digest_is_never_asked_of_others(town: Town, either: Instance) -> None:
    url = town.box.remote_file(picture())
    assert either.resolver.digest(RemoteUrl(value=url)) is None
    assert either.resolver.digest(Alias(instance=type(MAIN)("other"), value="00000000-dead.png")) is None


def test_uploader_is_who_stored_it_not_who_posted_it(town: Town, instance: Instance) -> None:
    name = town.upload("carol")
    town.post("alice", url=town.url(name))
    upload = instance.resolver.uploader(alias(name))
    assert upload is not None
    assert upload.uploader.local_id == str(town.box.people["carol"].id)
    assert upload.url == town.url(name)


def test_uploader_far_down_the_list_costs_few_calls(
    town: Town, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "FRESH", -1.0)
    names = [town.upload("bob") for _ in range(120)]
    for name in (names[0], names[60], names[-1]):
        assert instance.resolver.uploader(alias(name)) is not None
    assert instance.resolver.uploader(alias("00000000-dead.png")) is None
    new = town.upload("carol")
    town.box.faults.before("GET", "list_all_media.*page=[2-9]", respond(500), times=100)  # not needed any more
    found = instance.resolver.uploader(alias(new))
    assert found is not None
    assert found.uploader.local_id == str(town.box.people["carol"].id)
    assert instance.resolver.uploader(alias("00000000-beef.png")) is None


def test_look_at_the_upload_list_holds_from_its_end_however_long_it_took(
    town: Town, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a rate limit a look lasts longer than it holds, and everybody waits for it."""
    index: Any = instance.resolver._platform._generations.parts().resolver._uploads  # type: ignore[attr-defined]
    now, looks = [0.0], []
    read_top = index._read_top

    def slowly() -> None:
        looks.append(now[0])
        now[0] += 10 * uploads.FRESH
        read_top()

    monkeypatch.setattr(index, "_monotonic", lambda: now[0])
    monkeypatch.setattr(index, "_read_top", slowly)
    names = [town.upload("bob"), town.upload("carol"), "00000000-dead.png", "00000000-beef.png"]
    assert [index.find(name) is not None for name in names] == [True, True, False, False]
    assert looks == [0.0]
    now[0] += 2 * uploads.FRESH
    assert index.find(town.upload("carol")) is not None
    assert len(looks) == 2


def test_thumbnails_have_no_uploader(town: Town, instance: Instance) -> None:
    number = town.post(url=town.url(town.upload()))
    thumbnail = town.call("admin", "GET", "post", id=number)["post_view"]["post"]["thumbnail_url"]
    assert instance.resolver.uploader(alias(thumbnail.rsplit("/", 1)[1])) is None


def test_uses_are_found_by_search(town: Town, instance: Instance) -> None:
    name, other = town.upload(), town.upload()
    linked = town.post(url=town.url(name))
    shown = town.post("bob", body=f"![x]({town.url(name)}?format=webp)")
    said = town.comment(linked, f"![c]({town.url(name)})")
    town.post("bob", body=f"the alias {name} in words, and https://far.example/pictrs/image/{name}")
    town.post(url=town.url(other))
    found = {str(subject.key) for subject in instance.resolver.uses(alias(name))}
    assert found == {f"main/post/{linked}", f"main/post/{shown}", f"main/comment/{said}"}
    assert instance.resolver.uses(alias("00000000-dead.png")) == []


def test_search_is_read_on_while_its_pages_are_full_and_no_further(
    town: Town, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.lemmy.resolver.FOUND", 2)
    name = town.upload()
    shown = [town.post(url=town.url(name)) for _ in range(5)]
    town.box.faults.before("GET", "search.*page=4", respond(500), times=100)
    assert {s.local_id for s in instance.resolver.uses(alias(name))} == {str(number) for number in shown}


def test_search_is_read_four_pages_deep(town: Town, instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.lemmy.resolver.FOUND", 2)
    name, parent = town.upload(), town.post(url="https://far.example/article")
    said = [town.comment(parent, f"![c]({town.url(name)})") for _ in range(9)]
    found = {s.local_id for s in instance.resolver.uses(alias(name))}
    assert found == {str(number) for number in said[1:]}


def test_uses_of_a_remote_file(town: Town, instance: Instance) -> None:
    url = town.box.remote_file(picture())
    number = town.post(url=url)
    assert [s.local_id for s in instance.resolver.uses(RemoteUrl(value=url))] == [str(number)]


def test_locate(town: Town, instance: Instance) -> None:
    name = town.upload()
    number = town.post(url=town.url(name))
    said = town.comment(number, "hello")
    far = town.box.federate_post(image=picture())
    uri = town.call("admin", "GET", "post", id=far)["post_view"]["post"]["ap_id"]
    locate = instance.resolver.locate

    def key(kind: str, local_id: object) -> SubjectKey:
        return SubjectKey(instance=MAIN, kind=kind, local_id=str(local_id))

    assert locate(name) == locate(town.url(name)) == locate(f" {town.url(name)}?thumbnail=9 ") == alias(name)
    assert locate(f"{town.box.url}/post/{number}") == key("post", number)
    assert (
        locate(f"{town.box.url}/comment/{said}")
        == locate(f"{town.box.url}/post/{number}/{said}")
        == key("comment", said)
    )
    assert locate(f"{town.box.url}/u/{town.name('alice')}") == key("profile", town.box.people["alice"].id)
    assert locate(f"{town.box.url}/c/{town.community_name}") == key("community", town.community)
    assert locate(uri) == key("post", far)
    assert locate("https://x.example/a.png") == RemoteUrl(value="https://x.example/a.png")
    for nothing in (
        "hello",
        "",
        f"{town.box.url}/u/nobody",
        f"{town.box.url}/about",
        f"{town.box.remote_url}/post/99999",
    ):
        assert locate(nothing) is None


def test_address(town: Town, instance: Instance) -> None:
    assert instance.resolver.address(alias("x.png")) == town.url("x.png")
    assert instance.resolver.address(RemoteUrl(value="https://x.example/y")) == "https://x.example/y"


def test_who_has_just_become_an_admin_is_staff(town: Town, either: Instance) -> None:
    alice = town.box.people["alice"].id
    assert str(alice) not in either.resolver.staff()
    town.call("admin", "POST", "admin/add", person_id=alice, added=True)
    eventually(
        lambda: str(alice) in either.resolver.staff(), "Lemmy itself keeps what it says for a second", deadline=10
    )


def test_server_that_cannot_be_asked(town: Town, either: Instance) -> None:
    town.box.faults.before("GET", "/api/v3/", respond(500), times=1000)
    with pytest.raises(UnreachableError):
        either.resolver.uploader(alias("00000000-dead.png"))
    with pytest.raises(UnreachableError):
        either.resolver.uses(alias("00000000-dead.png"))
    with pytest.raises(UnreachableError):
        either.resolver.staff()
