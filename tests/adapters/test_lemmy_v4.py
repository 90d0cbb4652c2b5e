"""What the adapter makes of the answers of a real Lemmy 1.0, and what it asks for."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from recorded_lemmy import HOST, Recorded, connect, lemmy, recorded, token

from adapters.buckets import Buckets
from bot.domain.content import Account, Alias, InstanceId, Post, RemoteUrl, Role, SubjectKey
from bot.domain.decisions import (
    AlreadyDone,
    BanAccount,
    Done,
    Failed,
    LastWord,
    PurgeFile,
    Refused,
    Remove,
    Report,
    SetSwitch,
    Switch,
)
from bot.domain.errors import BadAnswerError, NotLoggedInError, RateLimitedError
from bot.ports import Batch, Gone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.ports import Instance

MAIN = InstanceId("main")
LOGIN = "/api/v4/account/auth/login"
BOB = Account(
    instance=MAIN,
    local_id="5",
    uri=f"{HOST}/u/bob",
    handle="bob@lemmy-one:8561",
    home_host="lemmy-one:8561",
    is_local=True,
)
INNER = ("foreign key", "violates", "8084", "internal/purge", "SQL", "constraint", "forbiddenword")


@pytest.fixture
def server() -> Iterator[Recorded]:
    with lemmy() as one:
        yield one


@pytest.fixture
def instance(server: Recorded) -> Instance:
    return connect(server)


def post(number: int = 1) -> Post:
    return Post(instance=MAIN, local_id=str(number), uri=f"{HOST}/post/{number}", url=f"{HOST}/post/{number}")


def report(number: int = 1) -> Report:
    return Report(instance=MAIN, subject=post(number), text="Automated check")


def source(instance: Instance, word: str) -> Any:
    return next(one for one in instance.sources if one.name.endswith(word))


def test_api_v3_of_1_0_is_never_spoken(server: Recorded, instance: Instance) -> None:
    server.say("post list, all", "comment list", "image list after delete", "get post", "v3 site on 1.0")
    server.say("community list", "person list")
    server.answer("GET", "/api/v4/report/list", 200, {"items": []})
    for one in instance.sources:
        one.poll(None)
    source(instance, "posts").read(SubjectKey(instance=MAIN, kind="post", local_id="1"))
    instance.inspector.check()
    assert [one.path for one in server.asked if "/v3" in one.path] == []


def test_server_that_keeps_nodeinfo_back_is_asked_for_its_site(server: Recorded, instance: Instance) -> None:
    server.answer("GET", "/nodeinfo/2.1", 404, "<html>nothing here</html>")
    server.say("comment list")
    source(instance, "comments").poll(None)
    assert [one.path for one in server.asked[:2]] == ["/nodeinfo/2.1", "/api/v4/site"]


def test_page_in_front_of_the_server_does_not_make_it_an_older_one(
    server: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.lemmy.generation.KEPT", -1.0)
    server.say("comment list")
    comments = source(connect(server, token=token(6 * 86400)), "comments")
    comments.poll(None)
    page = "<html>one moment, please</html>"
    for status in (200, 403, 404):
        server.answer("GET", "/nodeinfo/2.1", status, page)
        server.answer("GET", "/api/v4/site", status, page)
        with pytest.raises(BadAnswerError, match="does not say which Lemmy it is"):
            source(connect(server), "comments").poll(None)
        comments.poll(None)
    assert [one.path for one in server.asked if "/v3" in one.path] == []
    server.answer("GET", "/api/v4/site", 404)
    comments.poll(None)
    assert [one.path for one in server.asked if "/v3" in one.path] == []
    with pytest.raises(BadAnswerError):
        source(connect(server, token=token(6 * 86400)), "comments").poll(None)
    assert server.asked[-1].path == "/api/v3/site", "that is how Lemmy 0.19 answers"


def test_server_whose_proxy_knows_nothing_for_a_while_is_not_spoken_to_by_the_old_api(
    server: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.lemmy.generation.DOUBTED", -1.0)
    server.say("comment list")
    comments = source(connect(server, token=token(6 * 86400)), "comments")
    comments.poll(None)
    there, server.answers = server.answers, {}
    for _ in range(3):
        with pytest.raises(BadAnswerError):
            comments.poll(None)
    server.answers = there
    comments.poll(None)
    assert [one.path for one in server.asked if "/v3" in one.path] == []


def test_posts_and_who_is_around_them(server: Recorded) -> None:
    instance = connect(server, start_from=None)
    server.say("post list, all")
    batch = source(instance, "posts").poll(None)
    assert batch.holes == []
    shown = {(s.subject.kind, s.subject.local_id, s.media.role): s for s in batch.sightings}
    picture = shown[("post", "1", Role.ATTACHMENT)]
    assert picture.name == Alias(instance=MAIN, value="3130647a-908d-45f5-8bec-8034f2569491.png")
    assert picture.subject.author is not None
    assert picture.subject.author.handle == "alice@lemmy-one:8561"
    assert picture.media.declared_type == "image/png"
    assert ("post", "1", Role.THUMBNAIL) in shown
    assert shown[("post", "4", Role.THUMBNAIL)].name == Alias(
        instance=MAIN, value="0276e57a-9f5d-4f3a-9202-f5d1a923d732.png"
    ), "a custom thumbnail is somebody's upload"
    (asked,) = server.of("GET", "/api/v4/post/list")
    assert asked.query["sort"] == "new"
    assert asked.query["time_range_seconds"] == "0"


def test_cursor_of_a_server_that_was_upgraded_begins_at_the_top(server: Recorded, instance: Instance) -> None:
    server.say("comment list", "post list, all", "get post, missing", "get comment, missing")
    old = {
        "high": 1,
        "floor": 1,
        "cutoff": None,
        "walk": {"at": ["P1"], "top": 1, "missing": []},
        "back": 3,
        "gaps": [],
    }
    for word in ("posts", "comments"):
        batch = source(instance, word).poll(old)
        assert batch.cursor is not None
        assert batch.cursor["high"] > 1
        assert "page_cursor" not in server.of("GET", f"/api/v4/{word[:-1]}/list")[0].query
    server.say("image list after delete")
    moment = datetime(2026, 11, 22, 7, 0, 20, tzinfo=UTC)
    uploads = source(instance, "uploads").poll({**old, "floor": int(moment.timestamp() * 1_000_000)}).uploads
    assert all(upload.backlog == (upload.uploaded_at <= moment) for upload in uploads)
    assert {upload.backlog for upload in uploads} == {True, False}


def test_next_page_of_the_images_that_is_404_is_the_servers_fault_and_not_the_end(
    server: Recorded, instance: Instance
) -> None:
    uploads = source(instance, "uploads")
    server.say("image list", "image list, next page", "image list")
    first = uploads.poll(None)
    assert first.more
    assert [upload.uploader.handle for upload in first.uploads] == ["alice@lemmy-one:8561"] * 2
    assert first.uploads[0].url == f"{HOST}/api/v4/image/3130647a-908d-45f5-8bec-8034f2569491.png"
    server.say("image list", "image list, next page")
    second = uploads.poll(first.cursor)
    assert not second.more
    assert [hole for hole in second.holes if "a fault of the server" in hole]
    assert len(second.uploads) == 2, "what can be read is read all the same"
    server.say("image list", "image list, next page")
    assert uploads.poll(second.cursor).holes == [], "it is told once"


def test_thumbnail_accuses_nobody_and_an_unknown_alias_has_no_uploader(server: Recorded, instance: Instance) -> None:
    server.say("image list after delete")
    rows = recorded("image list after delete")["response"]["body"]["items"]
    made = next(r["local_image"]["pictrs_alias"] for r in rows if r["local_image"].get("thumbnail_for_post_id"))
    stored = next(r for r in rows if not r["local_image"].get("thumbnail_for_post_id"))
    assert instance.resolver.uploader(Alias(instance=MAIN, value=made)) is None
    found = instance.resolver.uploader(Alias(instance=MAIN, value=stored["local_image"]["pictrs_alias"]))
    assert found is not None
    assert found.uploader.local_id == str(stored["person"]["id"])
    server.say("image list", "image list, next page")
    nobody = Alias(instance=MAIN, value="00000000-0000-4000-8000-00000000dead.png")
    assert instance.resolver.uploader(nobody) is None


def test_look_for_one_file_that_ends_early_says_nothing_of_others(server: Recorded, instance: Instance) -> None:
    rows = recorded("image list after delete")["response"]["body"]["items"]
    row = next(r for r in rows if not r["local_image"].get("thumbnail_for_post_id"))
    names = [Alias(instance=MAIN, value=f"00000000-0000-4000-8000-{number:012}.png") for number in range(4)]

    def page(name: Alias, following: str | None) -> dict[str, Any]:
        listed = {**row, "local_image": {**row["local_image"], "pictrs_alias": name.value}}
        body = {"items": [listed], "next_page": following}
        return {"status": 200, "headers": {}, "body": body}

    pages = [page(names[0], "second"), page(names[1], "third"), page(names[2], None)]
    server.answers["GET", "/api/v4/image/list"] = [*pages[:2], *pages]
    assert instance.resolver.uploader(names[1]) is not None
    assert instance.resolver.uploader(names[2]) is not None
    server.answers["GET", "/api/v4/image/list"] = [pages[0]]
    assert instance.resolver.uploader(names[3]) is None


def test_report_goes_to_the_admins_only_and_the_second_is_already_done(server: Recorded, instance: Instance) -> None:
    server.say("report post, instance rules")
    assert instance.enforcer.apply(report()) == Done(note="report 1")
    (sent,) = server.of("POST", "/api/v4/post/report")
    assert sent.body == {"post_id": 1, "reason": "Automated check", "violates_instance_rules": True}
    server.say("report post again", "report list, unresolved, with community rules")
    again = instance.enforcer.apply(report())
    assert isinstance(again, AlreadyDone)
    assert again.by_us
    asked = server.of("GET", "/api/v4/report/list")[-1].query
    assert asked["my_reports_only"] == asked["show_community_rule_violations"] == "true"
    server.say("resolve report")
    assert isinstance(instance.enforcer.revert(report(), {}), Done)
    assert instance.enforcer.verify(report()).so


@pytest.mark.parametrize("name", ["report, slur", "report post again", "ban, missing"])
def test_what_the_server_says_of_its_inside_gets_into_no_outcome(server: Recorded, name: str, caplog: Any) -> None:
    instance = connect(server)
    answer = recorded(name)["response"]
    server.answer("POST", "/api/v4/post/report", answer["status"], answer["body"])
    server.answer("GET", "/api/v4/report/list", 200, {"items": [], "next_page": None})
    said = str(instance.enforcer.apply(report())) + caplog.text
    assert answer["body"]["cause"] not in said
    assert not [word for word in INNER if word in said]


def test_removal_has_a_reason_and_the_mod_log_says_who(server: Recorded, instance: Instance) -> None:
    removal = Remove(instance=MAIN, subject=post(), text="")
    server.say("get post", "remove post", "modlog, remove post")
    assert instance.enforcer.verify(removal).so is False
    assert isinstance(instance.enforcer.apply(removal), Done)
    assert server.of("POST", "/api/v4/post/remove")[0].body["reason"]
    server.say("get removed post, admin")
    after = instance.enforcer.verify(removal)
    assert after.so
    assert after.by_us is None, "the newest line of the recorded log is a restoration"
    assert server.of("GET", "/api/v4/modlog")[0].query["show_bulk"] == "true"
    assert instance.enforcer.last_word(removal, datetime(2026, 11, 22, 7, tzinfo=UTC)) is LastWord.NOBODYS


def banned_person() -> dict[str, Any]:
    """As recorded, but for the end of the ban, which has come since."""
    body: dict[str, Any] = recorded("get banned person")["response"]["body"]
    body["person_view"]["ban_expires_at"] = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    return body


def test_ban_says_that_the_account_still_uploads(server: Recorded, instance: Instance) -> None:
    server.say("get person", "ban, 7 days")
    server.answer("GET", "/api/v4/person", 200, {"person_view": recorded("unban")["response"]["body"]["person_view"]})
    ban = BanAccount(instance=MAIN, account=BOB, days=7, text="Automated check")
    assert instance.enforcer.verify(ban).so is False
    done = instance.enforcer.apply(ban)
    assert isinstance(done, Done)
    assert "still lets a banned account upload" in done.note
    (sent,) = server.of("POST", "/api/v4/admin/ban")
    assert set(sent.body) == {"person_id", "ban", "reason", "expires_at"}
    server.answer("GET", "/api/v4/person", 200, banned_person())
    now = instance.enforcer.verify(ban)
    assert now.so
    assert "still lets a banned account upload" in now.detail


def test_ban_by_the_accounts_own_server_is_not_taken_for_ours(server: Recorded, instance: Instance) -> None:
    server.answer("GET", "/api/v4/person", 200, banned_person())
    rows = recorded("image list")["response"]["body"]["items"]
    entry = {
        "modlog": {"id": 1, "kind": "admin_ban", "is_revert": False, "published_at": "2026-11-22T07:00:00Z"},
        "moderator": rows[0]["person"],
        "target_instance": {"id": 99, "domain": "far.example"},
    }
    server.answer("GET", "/api/v4/modlog", 200, {"items": [entry]})
    far = BanAccount(instance=MAIN, account=replace(BOB, is_local=False, home_host="far.example"), text="x")
    assert instance.enforcer.verify(far).so is False


def test_file_goes_by_the_servers_own_purge_route(server: Recorded) -> None:
    instance = connect(server, public_url=server.url)
    alias = "3130647a-908d-45f5-8bec-8034f2569491.png"
    purge = PurgeFile(instance=MAIN, name=Alias(instance=MAIN, value=alias), url="")
    assert instance.enforcer.offers(purge).supported
    path = f"/api/v4/image/{alias}"
    server.answer("GET", path, 200, "picture")
    server.say("delete image as admin (purges all aliases)")
    assert isinstance(instance.enforcer.apply(purge), Done)
    assert server.of("DELETE", "/api/v4/image")[0].body == {"filename": alias}
    server.say("delete image again")
    failed = instance.enforcer.apply(purge)
    assert isinstance(failed, Refused)
    assert not [word for word in INNER if word in failed.note]
    server.answer("GET", path, 404)
    assert isinstance(instance.enforcer.apply(purge), AlreadyDone)
    assert instance.enforcer.verify(purge).so


def test_token_is_renewed_a_day_before_it_ends(server: Recorded, tmp_path: Any) -> None:
    server.say("comment list")
    server.answer("POST", LOGIN, 200, {"jwt": token(23 * 3600)})
    instance = connect(server)
    comments = source(instance, "comments")
    comments.poll(None)
    fresh = token(6 * 86400)
    server.answer("POST", LOGIN, 200, {"jwt": fresh})
    comments.poll(None)
    before = len(server.of("POST", LOGIN))
    comments.poll(None)
    assert server.asked[-1].token == fresh
    assert len(server.of("POST", LOGIN)) == before, "six days are enough"


def test_token_that_cannot_be_renewed_yet_is_used_as_long_as_it_lasts(server: Recorded) -> None:
    server.say("comment list")
    almost = token(3600)
    server.answer("POST", LOGIN, 429, {"error": "too_many_requests"})
    comments = source(connect(server, token=almost), "comments")
    for _ in range(3):
        comments.poll(None)
    assert len(server.of("POST", LOGIN)) == 1, "a refused login is not tried again at once"
    assert {one.token for one in server.asked if one.token} == {almost}


def test_token_without_a_password_is_complained_of_before_it_ends(server: Recorded) -> None:
    def line(seconds: float) -> Any:
        one = connect(server, password=None, token=token(seconds))
        return next(found for found in one.inspector.check() if found.what == "token")

    assert line(6 * 86400).ok
    soon = line(86400)
    assert not soon.ok
    assert "`password`" in soon.remedy


def test_refused_login_says_so_and_waits_for_a_whole_window(server: Recorded, instance: Instance) -> None:
    server.answer("POST", LOGIN, 429, {"error": "too_many_requests"})
    for _ in range(2):
        with pytest.raises(RateLimitedError) as caught:
            source(instance, "comments").poll(None)
        assert caught.value.retry_after > 3000
    assert len(server.of("POST", LOGIN)) == 1
    server.say("login, wrong password")
    with pytest.raises(NotLoggedInError, match="check `username` and `password`"):
        source(connect(server), "comments").poll(None)


def test_login_that_a_proxy_slows_down_waits_as_long_as_that_says(
    server: Recorded, instance: Instance, no_naps: list[float]
) -> None:
    server.say("comment list")
    slow = {"status": 429, "headers": {"retry-after": "3"}, "body": ""}
    server.answers["POST", LOGIN] = [slow, *server.answers["POST", LOGIN]]
    source(instance, "comments").poll(None)
    assert no_naps == [3]
    assert len(server.of("POST", LOGIN)) == 2


def test_limit_without_a_time_is_waited_for(
    server: Recorded, instance: Instance, no_naps: list[float], pauses: list[tuple[str, float]]
) -> None:
    server.answer("GET", "/api/v4/comment/list", 429, {"error": "too_many_requests"})
    with pytest.raises(RateLimitedError) as caught:
        source(instance, "comments").poll(None)
    assert caught.value.retry_after >= 5
    assert no_naps
    assert min(no_naps) >= 5
    assert {name for name, _ in pauses} == {"message"}


def test_limit_with_a_time_is_kept_by_all_who_share_it(
    server: Recorded, instance: Instance, pauses: list[tuple[str, float]]
) -> None:
    server.answers["GET", "/api/v4/comment/list"] = [{"status": 429, "headers": {"retry-after": "120"}, "body": ""}]
    with pytest.raises(RateLimitedError) as caught:
        source(instance, "comments").poll(None)
    assert caught.value.retry_after == 120
    assert pauses == [("message", 120)]
    assert len(server.of("GET", "/api/v4/comment/list")) == 1


def test_end_of_a_window_is_told_in_seconds_from_now(
    server: Recorded, instance: Instance, pauses: list[tuple[str, float]]
) -> None:
    told = recorded("post list, all")["response"]["headers"]
    server.answers["GET", "/api/v4/comment/list"] = [{"status": 429, "headers": told, "body": ""}]
    with pytest.raises(RateLimitedError) as caught:
        source(instance, "comments").poll(None)
    assert 20 < int(told["x-ratelimit-reset"]) < 60
    assert caught.value.retry_after == int(told["x-ratelimit-reset"])
    assert pauses == [("message", caught.value.retry_after)]


def test_places_of_a_file_are_looked_for_before_a_backlog_is_read_on(
    server: Recorded, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.say("post list, search url only", "post list, search alias", "comment list, search alias")
    name = Alias(instance=MAIN, value="3130647a-908d-45f5-8bec-8034f2569491.png")
    taken: list[tuple[str, bool, bool]] = []

    def heard(_: Buckets, limiter: str, *, urgent: bool = False, patient: bool = True) -> None:
        taken.append((limiter, urgent, patient))

    monkeypatch.setattr(Buckets, "take", heard)
    assert [subject.local_id for subject in instance.resolver.uses(name)] == ["1", "2"]
    assert taken[-3:] == [("message", True, True)] * 3


@pytest.mark.parametrize("year", ["0000", "+10000", "-262143"])
def test_dates_of_other_servers_hide_nothing(server: Recorded, year: str) -> None:
    instance = connect(server, start_from=None)
    listed = recorded("post list, all")["response"]["body"]
    for row in listed["items"]:
        for part in ("post", "creator"):
            row[part]["published_at"] = f"{year}-01-01T00:00:00Z"
    server.answer("GET", "/api/v4/post/list", 200, {**listed, "next_page": None})
    batch = source(instance, "posts").poll(None)
    assert batch.holes == []
    listed_again = {row["post"]["id"] for row in listed["items"] if row["post"].get("url")}
    assert {int(s.subject.local_id) for s in batch.sightings if s.subject.kind == "post"} >= listed_again


def test_deed_that_the_database_failed_at_has_an_unknown_end(server: Recorded, instance: Instance) -> None:
    server.answer("POST", "/api/v4/post/report", 400, {"error": "unknown", "message": "db error", "cause": "db error"})
    outcome = instance.enforcer.apply(report())
    assert isinstance(outcome, Failed)
    assert outcome.unknown
    assert "db error" not in outcome.note


def test_private_communities_are_not_looked_at(server: Recorded) -> None:
    instance = connect(server, start_from=None)
    listed = recorded("post list, all")["response"]["body"]
    for row in listed["items"]:
        row["community"]["visibility"] = "private" if row["post"]["id"] != 2 else "local_only_private"
    server.answer("GET", "/api/v4/post/list", 200, listed)
    batch = source(instance, "posts").poll(None)
    assert {s.subject.local_id for s in batch.sightings if s.subject.kind == "post"} == {"2"}
    assert batch.dropped == {"in a private community": len(listed["items"]) - 1}
    shown = recorded("get post")["response"]["body"]
    shown["post_view"]["community"]["visibility"] = "something_new"
    server.answer("GET", "/api/v4/post", 200, shown)
    key = SubjectKey(instance=MAIN, kind="post", local_id="1")
    assert isinstance(source(instance, "posts").read(key), Gone)


def test_addresses_of_0_19_in_old_texts_lead_to_where_the_file_is_now(server: Recorded, instance: Instance) -> None:
    alias = "c8c7c6c5-f4cf-40d2-87e5-6a1e2bcb9c71.jpeg"
    shown = recorded("get post")["response"]["body"]
    shown["post_view"]["post"]["body"] = f"![old]({HOST}/pictrs/image/{alias}?format=webp)"
    server.answer("GET", "/api/v4/post", 200, shown)
    batch = source(instance, "posts").read(SubjectKey(instance=MAIN, kind="post", local_id="1"))
    assert isinstance(batch, Batch)
    (inline,) = (s for s in batch.sightings if s.media.role is Role.INLINE)
    assert inline.media.url == f"{HOST}/api/v4/image/{alias}"
    assert inline.name == Alias(instance=MAIN, value=alias)


def test_places_of_a_file_are_found_by_the_listings(server: Recorded, instance: Instance) -> None:
    server.say("post list, search url only", "post list, search alias", "comment list, search alias")
    name = Alias(instance=MAIN, value="3130647a-908d-45f5-8bec-8034f2569491.png")
    found = server.answers["GET", "/api/v4/post/list"]
    old = deepcopy(found[0])
    old["body"]["items"][0]["post"] |= {"id": 77, "url": f"{HOST}/pictrs/image/{name.value}"}
    found.insert(1, old)
    assert [subject.local_id for subject in instance.resolver.uses(name)] == ["1", "77", "2"]
    asked = [one.query for one in server.of("GET", "/api/v4/post/list")]
    assert [query.get("search_url_only") for query in asked] == ["true", "true", None]
    assert [query["search_term"] for query in asked] == [
        f"{HOST}/api/v4/image/{name.value}",
        f"{HOST}/pictrs/image/{name.value}",
        name.value,
    ]


def test_places_of_a_file_are_looked_for_on_while_pages_are_full(
    server: Recorded, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.lemmy.v4.resolver.FOUND", 2)
    server.say("post list", "post list, next page", "comment list, search alias")
    name = RemoteUrl(value="https://far.example/a.png")
    for page in server.answers["GET", "/api/v4/post/list"]:
        for row in page["body"]["items"]:
            row["post"]["url"] = name.value
    found = instance.resolver.uses(name)
    assert len(found) == len({subject.local_id for subject in found}) == 4
    cursors = [one.query.get("page_cursor") for one in server.of("GET", "/api/v4/post/list")]
    assert len(cursors) == 8, "four pages of each search"
    assert cursors.count(None) == 2


def test_list_of_images_that_is_cut_off_is_not_all_that_was_stored(server: Recorded, instance: Instance) -> None:
    server.say("image list", "image list, next page")
    assert not instance.resolver.lists_all_uploads()
    assert not instance.resolver.lists_all_uploads()
    assert len(server.of("GET", "/api/v4/image/list")) == 2, "it is looked at once"


def test_list_of_images_that_ends_is_all_that_was_stored(server: Recorded, instance: Instance) -> None:
    server.answer("GET", "/api/v4/image/list", 200, {"items": []})
    assert instance.resolver.lists_all_uploads()


def test_what_an_address_means(server: Recorded, instance: Instance) -> None:
    server.say("resolve_object", "get person")
    locate = instance.resolver.locate
    assert locate("https://far.example/post/7") == SubjectKey(instance=MAIN, kind="post", local_id="1")
    assert locate(f"{HOST}/u/dave") == SubjectKey(instance=MAIN, kind="profile", local_id="7")
    server.answer("GET", "/api/v4/resolve_object", 404, {"error": "not_found", "cause": "Record not found"})
    assert locate("https://far.example/post/8") is None


def test_uploads_can_be_switched_off_and_on_again(server: Recorded, instance: Instance) -> None:
    off = SetSwitch(instance=MAIN, switch=Switch.UPLOADS, value="off")
    assert instance.enforcer.offers(off).supported
    before = instance.enforcer.verify(off)
    assert before.so is False
    server.answer("PUT", "/api/v4/site", 200, {})
    assert isinstance(instance.enforcer.apply(off), Done)
    assert server.of("PUT", "/api/v4/site")[0].body == {"image_upload_disabled": True}
    site = recorded("site, as admin")["response"]["body"]
    site["site_view"]["local_site"]["image_upload_disabled"] = True
    server.answer("GET", "/api/v4/site", 200, site)
    assert instance.enforcer.verify(off).so
    assert isinstance(instance.enforcer.apply(off), AlreadyDone)
    assert isinstance(instance.enforcer.revert(off, before.state), Done)
    assert server.of("PUT", "/api/v4/site")[-1].body == {"image_upload_disabled": False}


def test_check_says_what_is_different(server: Recorded) -> None:
    server.say("image list", "image list, next page")
    lines = {line.what: line for line in connect(server).inspector.check()}
    assert lines["version"].detail == "Lemmy 1.0.0-beta.1, spoken to by API v4"
    assert "still lets a banned account upload" in lines["bans"].detail
    assert not lines["uploaders"].ok
    assert "configure `pictrs`" in lines["uploaders"].remedy
    assert "is renewed a day before" in lines["token"].detail
    assert lines["admin"].ok
    assert lines["account settings"].ok
    assert lines["languages"].ok
    server.answer("PUT", "/api/v4/account/settings/save", 200, {"success": True})
    connect(server).inspector.repair()
    (saved,) = server.of("PUT", "/api/v4/account/settings/save")
    assert saved.body["hide_posts_with_media"] is False


def test_upgrade_while_the_bot_runs_is_noticed(server: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.lemmy.generation.KEPT", -1.0)
    server.say("comment list")
    comments = source(connect(server, token=token(6 * 86400)), "comments")
    server.answer("GET", "/nodeinfo/2.1", 200, {"software": {"name": "lemmy", "version": "0.19.20"}})
    with pytest.raises(BadAnswerError):
        comments.poll(None)
    assert server.asked[-1].path == "/api/v3/site"
    server.say("nodeinfo")
    assert comments.poll(None).cursor is not None
    server.answer("GET", "/nodeinfo/2.1", 503)
    assert comments.poll(None).cursor is not None, "what was so a moment ago is so still"


@pytest.mark.parametrize("kept", [False, True])
def test_upgrade_is_noticed_by_the_first_call_that_the_server_lacks(
    server: Recorded, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """``kept``: a cache still gives out what nodeinfo said before."""
    monkeypatch.setattr("adapters.lemmy.generation.DOUBTED", -1.0)
    server.say("comment list")
    comments = source(connect(server, token=token(6 * 86400)), "comments")
    server.answer("GET", "/nodeinfo/2.1", 200, {"software": {"name": "lemmy", "version": "0.19.20"}})
    with pytest.raises(BadAnswerError, match="upgraded a moment ago"):
        comments.poll(None)
    if not kept:
        server.say("nodeinfo")
    assert comments.poll(None).cursor is not None
    old = [one.path for one in server.asked if "/v3" in one.path]
    monkeypatch.setattr("adapters.lemmy.generation.KEPT", -1.0)
    assert comments.poll(None).cursor is not None
    assert [one.path for one in server.asked if "/v3" in one.path] == old


def test_call_that_the_server_never_had_is_no_reason_to_ask_all_the_time_what_it_is(server: Recorded) -> None:
    server.answer("GET", "/nodeinfo/2.1", 200, {"software": {"name": "lemmy", "version": "0.19.20"}})
    comments = source(connect(server, token=token(6 * 86400)), "comments")
    for _ in range(3):
        with pytest.raises(BadAnswerError):
            comments.poll(None)
    assert len(server.of("GET", "/nodeinfo/2.1")) == 1


def test_silence_of_the_upload_list_means_something_as_long_as_the_list_can_be_read_on(
    server: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.lemmy.generation.KEPT", -1.0)
    instance = connect(server, token=token(6 * 86400))
    uploads, always = source(instance, "uploads"), instance.rare()
    assert "main/uploads" not in always
    server.answer("GET", "/nodeinfo/2.1", 200, {"software": {"name": "lemmy", "version": "0.19.20"}})
    with pytest.raises(BadAnswerError):
        uploads.poll(None)
    assert instance.rare() == always
    server.say("nodeinfo", "image list", "image list, next page", "image list")
    cursor = uploads.poll(None).cursor
    assert instance.rare() == always, "nobody has asked for the next page yet"
    server.say("image list", "image list, next page")
    cursor = uploads.poll(cursor).cursor
    assert instance.rare() == always | {"main/uploads"}
    restarted = connect(server)
    server.say("image list")
    source(restarted, "uploads").poll(cursor)
    assert restarted.rare() == always | {"main/uploads"}
    listed = recorded("image list")["response"]["body"] | {"next_page": None}
    server.answer("GET", "/api/v4/image/list", 200, listed)
    small = connect(server)
    source(small, "uploads").poll(None)
    assert small.rare() == always, "a list of one page is whole"


def test_far_future_of_a_token_is_no_end(server: Recorded) -> None:
    instance = connect(server, password=None, token=token(timedelta(days=90_000).total_seconds()))
    assert "does not end" in next(line.detail for line in instance.inspector.check() if line.what == "token")


def test_communities_accounts_and_the_servers_own_pages_are_read(server: Recorded) -> None:
    instance = connect(server, start_from=None)
    listed = recorded("community list")["response"]["body"]
    listed["items"][0]["community"] |= {
        "icon": f"{HOST}/api/v4/image/icon-0001.png",
        "sidebar": "![s](https://x/s.png)",
    }
    server.answer("GET", "/api/v4/community/list", 200, {**listed, "next_page": "more"})
    first = source(instance, "communities").poll(None)
    assert {s.media.role for s in first.sightings} == {Role.AVATAR, Role.INLINE}
    assert first.cursor is not None
    assert first.cursor["page"] == "more"
    server.say("person list")
    begun_on_0_19 = {**first.cursor, "way": 3, "page": 7, "floor": 0}
    assert source(instance, "profiles").poll(begun_on_0_19).sightings == ()
    shown = source(connect(server, start_from=None), "profiles").poll(None).sightings
    assert [s.media.url.rpartition("/")[2] for s in shown] == ["804ff71f-4aa5-4d76-831a-ba8c23aeb2bf.png"]
    emoji = {"id": 1, "image_url": f"{HOST}/api/v4/image/emoji-0001.png", "published_at": "2026-11-22T07:00:00Z"}
    server.answer("GET", "/api/v4/custom_emoji/list", 200, {"custom_emojis": [{"custom_emoji": emoji}]})
    line = {"id": 2, "content": "![t](https://x/t.png)", "published_at": "2026-11-22T07:00:00Z"}
    server.answer("GET", "/api/v4/admin/tagline/list", 200, {"items": [line]})
    site = source(instance, "site").poll(None).sightings
    assert {s.subject.local_id for s in site} == {"emoji-1", "tagline-2"}


def report_message(server: Recorded, *, by: Any) -> None:
    people = recorded("report post, instance rules")["response"]["body"]["post_report_view"]
    message = {"id": 9, "content": "gone", "ap_id": f"{HOST}/pm/9", "published_at": "2026-11-22T07:00:00Z"}
    report = {"id": 4, "original_pm_text": "![m](https://x/m.png)", "published_at": "2026-11-22T07:01:00Z"}
    row = {
        "type_": "private_message",
        "private_message_report": report,
        "private_message": message,
        "private_message_creator": by,
        "creator": people["creator"],
    }
    server.answer("GET", "/api/v4/report/list", 200, {"items": [row]})


def test_only_reported_messages_are_read(server: Recorded) -> None:
    people = recorded("report post, instance rules")["response"]["body"]["post_report_view"]
    report_message(server, by=people["post_creator"])
    batch = source(connect(server, start_from=None), "messages").poll(None)
    (seen,) = batch.sightings
    assert (seen.subject.kind, seen.subject.local_id, seen.media.url) == ("message", "9", "https://x/m.png")
    assert {one.query["type_"] for one in server.of("GET", "/api/v4/report/list")} == {"private_messages"}
    assert seen.subject.author is not None
    assert not seen.subject.author.is_staff


def test_reported_message_of_an_admin_is_the_staffs(server: Recorded) -> None:
    admin = recorded("site, as admin")["response"]["body"]["admins"][0]["person"]
    report_message(server, by=admin | {"avatar": "https://x/a.png"})
    seen = source(connect(server, start_from=None), "messages").poll(None).sightings
    told = {one.subject.kind: one.subject.author.is_staff for one in seen if one.subject.author is not None}
    assert told == {"message": True, "profile": True}


def test_blocks_and_words_are_lifted_and_unlisted_communities_followed(server: Recorded) -> None:
    account = recorded("account, as admin")["response"]["body"]
    person, community = recorded("get person")["response"]["body"], recorded("create community")["response"]["body"]
    hidden = community["community_view"]["community"] | {"visibility": "unlisted"}
    blocks = {"person_blocks": [person["person_view"]["person"]], "keyword_blocks": ["cat"]}
    server.answer("GET", "/api/v4/account", 200, {**account, **blocks})
    server.answer("GET", "/api/v4/modlog", 200, {"items": [{"target_community": hidden}]})
    for path in ("/api/v4/account/block/person", "/api/v4/community/follow"):
        server.answer("POST", path, 200, {})
    server.answer("PUT", "/api/v4/account/settings/save", 200, {"success": True})
    instance = connect(server)
    assert instance.account is not None
    lines = {line.what: line for line in instance.account.look(mend=True)}
    assert "person_blocks, keyword_blocks" in lines["blocks"].detail
    instance.inspector.repair()
    assert server.of("POST", "/api/v4/account/block/person")[0].body == {"person_id": 7, "block": False}
    assert server.of("PUT", "/api/v4/account/settings/save")[-1].body == {"blocking_keywords": []}
    assert server.of("POST", "/api/v4/community/follow")[0].body == {"community_id": 2, "follow": True}


def test_languages_that_the_site_does_not_offer_are_missed_by_neither_check(server: Recorded) -> None:
    site = recorded("site, as admin")["response"]["body"]
    account = recorded("account, as admin")["response"]["body"]
    some = sorted(language["id"] for language in site["all_languages"])[:3]
    server.answer("GET", "/api/v4/site", 200, {**site, "discussion_languages": some})
    server.answer("GET", "/api/v4/account", 200, {**account, "discussion_languages": some})
    instance = connect(server)
    assert instance.account is not None
    assert next(line for line in instance.inspector.check() if line.what == "languages").ok
    assert next(line for line in instance.account.look(mend=False) if line.what == "account settings").ok
    server.answer("GET", "/api/v4/account", 200, {**account, "discussion_languages": some[:1]})
    server.answer("PUT", "/api/v4/account/settings/save", 200, {"success": True})
    instance = connect(server)
    assert instance.account is not None
    assert not next(line for line in instance.inspector.check() if line.what == "languages").ok
    instance.account.look(mend=True)
    (saved,) = server.of("PUT", "/api/v4/account/settings/save")
    assert saved.body == {"discussion_languages": some}
