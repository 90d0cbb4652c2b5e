"""Who is who: versions, tokens, rights, settings, registration."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from .answers import body, refusal
from .people import Person
from .waiting import eventually, next_second, refused_within_a_second

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .server import Server
    from .stage import Stage

pytestmark = pytest.mark.conformance


@pytest.fixture
def stranger(server: Server) -> Iterator[Person]:
    """Somebody whose token the server never issued."""
    person = Person(server)
    person.client.headers["Authorization"] = "Bearer not.a.token"
    yield person
    person.close()


def test_nodeinfo_names_the_software_and_its_version(anonymous: Person) -> None:
    software = body(anonymous.client.get("/nodeinfo/2.1"))["software"]
    assert software["name"] == "lemmy"
    assert software["version"].startswith("0.19.")


def test_well_known_nodeinfo_points_to_it(anonymous: Person, server: Server) -> None:
    links = body(anonymous.client.get("/.well-known/nodeinfo"))["links"]
    assert [link["href"] for link in links] == [f"{server.url}/nodeinfo/2.1"]


def test_site_tells_the_same_version_as_nodeinfo(anonymous: Person) -> None:
    assert body(anonymous.get("site"))["version"] == body(anonymous.client.get("/nodeinfo/2.1"))["software"]["version"]


def test_login_gives_a_token_that_works(anonymous: Person, alice: Person, server: Server) -> None:
    next_second()
    answer = body(anonymous.post("user/login", username_or_email=alice.name, password=alice.password))
    assert (answer["registration_created"], answer["verify_email_sent"]) == (False, False)
    again = Person(server, jwt=answer["jwt"])
    assert again.id == alice.id
    again.close()


def test_second_login_leaves_the_first_token_alive(anonymous: Person, alice: Person) -> None:
    next_second()
    body(anonymous.post("user/login", username_or_email=alice.name, password=alice.password))
    assert body(alice.get("user/validate_auth")) == {"success": True}


def test_second_login_of_one_second_is_refused(anonymous: Person, alice: Person) -> None:
    refused = refused_within_a_second(
        lambda: anonymous.post("user/login", username_or_email=alice.name, password=alice.password)
    )
    assert refusal(refused) == (400, "unknown")
    assert "login_token" in refused.json()["message"]


def test_wrong_password_is_incorrect_login(anonymous: Person, alice: Person) -> None:
    answer = anonymous.post("user/login", username_or_email=alice.name, password="not the password")
    assert refusal(answer) == (401, "incorrect_login")


def test_unknown_user_is_incorrect_login(anonymous: Person) -> None:
    answer = anonymous.post("user/login", username_or_email=f"nobody_{secrets.token_hex(4)}", password="not a password")
    assert refusal(answer) == (401, "incorrect_login")


def test_validate_auth_accepts_a_good_token(warden: Person) -> None:
    assert body(warden.get("user/validate_auth")) == {"success": True}


def test_validate_auth_refuses_a_bad_token(stranger: Person) -> None:
    assert refusal(stranger.get("user/validate_auth")) == (400, "not_logged_in")


def test_validate_auth_refuses_no_token(anonymous: Person) -> None:
    assert refusal(anonymous.get("user/validate_auth")) == (400, "not_logged_in")


def test_bad_token_on_a_public_list_is_an_anonymous_success(stranger: Person) -> None:
    assert "posts" in body(stranger.get("post/list", limit=1))


def test_bad_token_on_site_is_nobody(stranger: Person) -> None:
    assert "my_user" not in body(stranger.get("site"))


def test_bad_token_where_a_user_is_required_is_incorrect_login(stranger: Person) -> None:
    assert refusal(stranger.get("admin/list_all_media")) == (401, "incorrect_login")


def test_no_token_where_a_user_is_required_is_incorrect_login(anonymous: Person) -> None:
    assert refusal(anonymous.get("admin/list_all_media")) == (401, "incorrect_login")


def test_bad_token_on_a_deed_is_incorrect_login(stranger: Person) -> None:
    assert refusal(stranger.post("post/remove", post_id=1, removed=True, reason="x")) == (401, "incorrect_login")


def test_logged_out_token_is_bad(stage: Stage) -> None:
    person = stage.register("leaver")
    body(person.post("user/logout"))
    assert refusal(person.get("user/validate_auth")) == (400, "not_logged_in")


def test_site_says_whether_the_caller_is_an_administrator(warden: Person, alice: Person) -> None:
    told = [body(person.get("site"))["my_user"]["local_user_view"] for person in (warden, alice)]
    assert [view["local_user"]["admin"] for view in told] == [True, False]
    assert [view["person"]["name"] for view in told] == [warden.name, alice.name]


def test_site_lists_a_later_administrator_after_the_first(anonymous: Person, admin: Person, warden: Person) -> None:
    def ids() -> list[int]:
        return [view["person"]["id"] for view in body(anonymous.get("site"))["admins"]]

    eventually(lambda: warden.id in ids(), "the new administrator is listed")  # the answer is kept for a second
    assert ids().index(admin.id) < ids().index(warden.id)


def test_site_shows_the_rate_limits(anonymous: Person) -> None:
    limit = body(anonymous.get("site"))["site_view"]["local_site_rate_limit"]
    for name in ("message", "post", "comment", "register", "image", "search"):
        assert isinstance(limit[name], int)
        assert isinstance(limit[f"{name}_per_second"], int)


def test_site_shows_registration_mode_and_captcha(stage: Stage, anonymous: Person) -> None:
    def shown() -> tuple[str, bool]:
        local_site = body(anonymous.get("site"))["site_view"]["local_site"]
        return local_site["registration_mode"], local_site["captcha_enabled"]

    eventually(lambda: shown() == ("Open", False), "the changed settings are shown")


def test_changing_the_site_is_for_administrators(alice: Person) -> None:
    assert refusal(alice.put("site", captcha_enabled=False)) == (400, "not_an_admin")


def test_saved_settings_are_read_back(warden: Person) -> None:
    wanted = {"show_nsfw": True, "show_bot_accounts": True, "show_read_posts": True}
    assert body(warden.put("user/save_user_settings", bot_account=True, **wanted)) == {"success": True}
    view = body(warden.get("site"))["my_user"]["local_user_view"]
    assert {name: view["local_user"][name] for name in wanted} == wanted
    assert view["person"]["bot_account"] is True


def test_saved_languages_are_read_back(stage: Stage, anonymous: Person) -> None:
    person = stage.register("reader")
    every = [language["id"] for language in body(anonymous.get("site"))["all_languages"]]
    few = sorted(every)[:3]
    assert few[0] == 0  # undetermined: most posts
    body(person.put("user/save_user_settings", discussion_languages=few))
    assert sorted(body(person.get("site"))["my_user"]["discussion_languages"]) == few


def test_registration_gives_a_token_at_once_while_it_is_open(stage: Stage) -> None:
    person = stage.register("newcomer")
    assert person.id > 0
    assert body(person.get("user/validate_auth")) == {"success": True}


def test_taken_name_is_refused(anonymous: Person, alice: Person) -> None:
    answer = anonymous.post("user/register", username=alice.name, password="long enough", password_verify="long enough")
    assert refusal(answer) == (400, "user_already_exists")


def test_an_administrator_is_made_by_an_administrator(alice: Person) -> None:
    assert refusal(alice.post("admin/add", person_id=alice.id, added=True)) == (400, "not_an_admin")
