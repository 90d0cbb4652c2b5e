"""``fediwarden init`` as an operator types it, against the sandbox and against servers that cannot be used."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from adapters.registry import PLATFORMS
from bot.domain.decisions import Stage
from bot.domain.errors import PlatformError
from bot.operate import duties, nodeinfo
from bot.settings import load
from commanding import COMMAND, conversation, fediwarden, flat, seeing_box, server, software, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adapters.sandbox.lemmy import LemmySandbox


@pytest.fixture(scope="module")
def box() -> Iterator[LemmySandbox]:
    with seeing_box() as started:
        yield started


def test_init_writes_a_configuration_that_loads_and_only_watches(tmp_path: Path, box: LemmySandbox) -> None:
    path = written(tmp_path, box)
    text = path.read_text(encoding="utf-8")
    os.environ["FEDIWARDEN_TEST_KEY"] = box.pictrs_key
    try:
        read = load(path)
    finally:
        del os.environ["FEDIWARDEN_TEST_KEY"]
    assert read.stage is Stage.OBSERVE
    assert all(rule.stage is None for rule in read.rules)
    assert read.irreversible == frozenset()
    (instance,) = read.instances
    assert instance["url"] == box.url
    assert instance["password"] == box.people["warden"].password
    assert instance["pictrs"] == {"url": box.pictrs_url, "api_key": box.pictrs_key}
    assert text.count("\n#") > 5
    assert "Lemmy 0.19" in text


def test_init_keeps_secrets_out_of_the_configuration_and_to_their_owner(tmp_path: Path, box: LemmySandbox) -> None:
    path = written(tmp_path, box)
    secret = tmp_path / "secrets" / "lemmy-main.password"
    assert box.people["warden"].password not in path.read_text(encoding="utf-8")
    assert secret.read_text(encoding="utf-8") == f"{box.people['warden'].password}\n"
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, secret, secret.parent)] == [0o600, 0o600, 0o700]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["config.yaml", "secrets"]


def test_init_follows_every_option(tmp_path: Path, box: LemmySandbox) -> None:
    done = fediwarden(
        tmp_path,
        *("--config", "conf/mine.yaml", "init", "--yes", "--url", f"{box.url}/", "--username", 'odd "name"'),
        *("--password-env", "FEDIWARDEN_TEST_PASSWORD", "--stage", "report", "--evidence", "none"),
        *("--unposted-uploads", "ignore", "--start-from", "30d", "--place", "us"),
        FEDIWARDEN_TEST_PASSWORD="hidden",
    )
    read = yaml.safe_load((tmp_path / "conf" / "mine.yaml").read_text(encoding="utf-8"))
    assert (read["stage"], read["evidence"], read["unposted_uploads"]) == ("report", "none", "ignore")
    assert read["start_from"] == "30d"
    assert read["instances"][0]["username"] == 'odd "name"'
    assert read["instances"][0]["password"] == {"env": "FEDIWARDEN_TEST_PASSWORD"}
    assert "pictrs" not in read["instances"][0]
    assert "purge_file" in read["rules"][0]["then"]
    assert "2258A" in done.stdout
    assert "Still to do" not in done.stdout


def test_undecided_about_evidence_no_rule_purges(tmp_path: Path, box: LemmySandbox) -> None:
    read = yaml.safe_load(written(tmp_path, box).read_text(encoding="utf-8"))
    assert "evidence" not in read
    assert all("purge_file" not in rule["then"] for rule in read["rules"])


def test_init_says_which_secrets_are_still_to_be_put_where(tmp_path: Path, box: LemmySandbox) -> None:
    done = fediwarden(
        tmp_path,
        *("init", "--yes", "--url", box.url, "--username", "warden"),
        *("--pictrs-url", box.pictrs_url, "--pictrs-key-env", "FEDIWARDEN_TEST_KEY"),
    )
    assert "put the secret into secrets/lemmy-main.password, mode 600" in flat(done.stdout)
    assert "set FEDIWARDEN_TEST_KEY in the environment" in flat(done.stdout)


def test_init_does_not_replace_a_configuration_unless_forced(tmp_path: Path, box: LemmySandbox) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("mine", encoding="utf-8")
    words = ("init", "--yes", "--url", box.url, "--username", "warden")
    refused = fediwarden(tmp_path, *words, code=2)
    assert "config.yaml is there already; --force replaces it" in refused.stderr
    assert path.read_text(encoding="utf-8") == "mine"
    fediwarden(tmp_path, *words, "--force")
    assert "schema: 1" in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--username", "warden"), "give --url"),
        (("--url", "ftp://lemmy.example", "--username", "warden"), "write the address of your server"),
        (("--url", "https://me:secret@lemmy.example"), "leave name and password out"),
        (("--url", "https://lemmy.example", "--start-from", "soon"), "write now, all, or a number and a unit"),
        (("--url", "https://lemmy.example", "--stage", "watch"), "observe"),
    ],
)
def test_init_without_a_terminal_asks_nothing_and_says_what_to_give(
    tmp_path: Path, words: tuple[str, ...], complaint: str
) -> None:
    assert complaint in flat(fediwarden(tmp_path, "init", *words, code=2).stderr)
    assert list(tmp_path.iterdir()) == []


def test_server_that_nobody_answers_for_is_named(tmp_path: Path) -> None:
    done = fediwarden(tmp_path, "init", "--yes", "--url", "http://127.0.0.1:9", "--username", "warden", code=3)
    assert "http://127.0.0.1:9/nodeinfo/2.1 cannot be reached" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_duties_of_the_place_are_shown(tmp_path: Path, box: LemmySandbox) -> None:
    done = fediwarden(tmp_path, "init", "--yes", "--url", box.url, "--username", "warden", "--place", "uk")
    assert "this is not legal advice" in flat(done.stdout)
    assert "National Crime Agency" in flat(done.stdout)


@pytest.mark.parametrize(
    ("place", "words"),
    [("us", "CyberTipline"), ("eu", "Digital Services Act"), ("uk", "National Crime Agency"), ("other", "hotline")],
)
def test_duties_name_who_is_to_be_told(place: str, words: str) -> None:
    assert words in " ".join(duties.notice(place))


def test_duties_stay_short_and_sober() -> None:
    for place in duties.BY_PLACE:
        paragraphs = duties.notice(place)
        assert len(" ".join(paragraphs)) < 2000
        assert not any(word in paragraph.lower() for paragraph in paragraphs for word in ("guilty", "must immediately"))


def test_init_asks_on_a_terminal_and_hides_the_password(tmp_path: Path, box: LemmySandbox) -> None:
    """Everything is typed; defaults are taken with Enter."""
    answers = {
        "Address of your server": box.url,
        "Your choice [other]": "eu",
        "Go on?": "y",
        "The bot's account": "warden",
        "Password of warden": box.people["warden"].password,
        "Address of pict-rs": "",
        "Your choice [observe]": "watch",  # no such stage: it asks again
        "Write one of: observe, report, hide, enforce": "",
        "Your choice [undecided]": "",
        "Your choice [scan]": "ignore",
        "What was there before": "7d",
    }
    said = conversation([str(COMMAND), "init"], tmp_path, answers)
    assert "Digital Services Act" in flat(said)
    assert box.people["warden"].password not in said
    read = load(tmp_path / "config.yaml")
    assert read.stage is Stage.OBSERVE
    assert read.unposted_uploads == "ignore"
    assert read.instances[0]["password"] == box.people["warden"].password


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ({"/nodeinfo/2.1": software("lemmy", "2.0.0")}, "came after this version of Fediwarden"),
        ({"/nodeinfo/2.1": software("lemmy", "0.18.5")}, "cannot say who uploaded a file"),
        ({"/nodeinfo/2.1": software("lemmy", "0.19.3")}, "cannot say who uploaded a file"),
        ({"/nodeinfo/2.1": software("piefed", "1.2")}, "works with Lemmy 0.19 and 1.0, and Mastodon 4.3"),
        ({"/nodeinfo/2.1": software("mastodon", "4.2.10")}, "update it to 4.3 or newer first"),
        ({"/nodeinfo/2.1": (503, {"error": "Lemmy is currently starting"})}, "it is starting, migrating"),
        ({"/nodeinfo/2.1": (200, "<html>Log in</html>")}, "does not say what it is"),
        ({"/nodeinfo/2.1": (200, {"software": ["lemmy"]})}, "does not say what it is"),
        ({"/.well-known/nodeinfo": (200, {"links": [{"href": 3}, "x"]})}, "does not say what it is"),
        ({}, "does not say what it is"),
    ],
)
def test_server_that_cannot_be_used_is_told_in_clear_words(answers: dict[str, tuple[int, Any]], complaint: str) -> None:
    with server(answers) as url, pytest.raises(PlatformError, match=complaint):
        nodeinfo.require_supported(nodeinfo.ask(url))


def test_init_for_a_mastodon_writes_a_configuration_that_only_watches(tmp_path: Path) -> None:
    answers = {
        "/.well-known/nodeinfo": (200, {"links": [{"href": "https://elsewhere.example/nodeinfo/2.0"}]}),
        "/nodeinfo/2.0": software("mastodon", "4.5.1"),
    }
    with server(answers) as url:
        said = fediwarden(tmp_path, "init", "--url", url, "--token-stdin", typed="the-token\n").stdout
    assert "runs Mastodon 4.5.1" in said
    text = (tmp_path / "config.yaml").read_text(encoding="utf-8")
    assert "the-token" not in text
    read = load(tmp_path / "config.yaml")
    assert read.stage is Stage.OBSERVE
    assert read.evidence is None
    (block,) = read.instances
    assert block == {
        "id": "mastodon-main",
        "platform": "mastodon",
        "url": url,
        "public_url": "https://elsewhere.example",
        "token": "the-token",
    }
    PLATFORMS["mastodon"].settings.model_validate(block)
    assert [rule.then for rule in read.rules] == [
        ("report", "remove", "mark_sensitive", "ban_account"),
        ("report", "remove", "mark_sensitive"),
        ("report", "mark_sensitive"),
    ]
    uncommented = yaml.safe_load(re.sub(r"(?m)^(\s*)#(?=\S| {2,}\S)", r"\1", text))
    (tmp_path / "secrets" / "mastodon-main.webhook").write_text("a-secret-of-some-length", encoding="utf-8")
    (tmp_path / "secrets" / "mastodon-main.password").write_text("secret", encoding="utf-8")
    (tmp_path / "all.yaml").write_text(yaml.safe_dump(uncommented), encoding="utf-8")
    PLATFORMS["mastodon"].settings.model_validate(load(tmp_path / "all.yaml").instances[0])


def test_init_says_where_the_token_of_a_mastodon_is_to_be_put(tmp_path: Path) -> None:
    with server({"/nodeinfo/2.1": software("gotosocial", "0.20.0")}) as url:
        said = fediwarden(tmp_path, "init", "--yes", "--url", url).stdout
    assert "put the secret into secrets/mastodon-main.token" in flat(said)


@pytest.mark.parametrize("version", ["0.19.4", "0.19.20", "0.19.21-rc.1", "1.0.0-beta.1", "1.2.3"])
def test_lemmy_is_supported(version: str) -> None:
    with server({"/nodeinfo/2.1": software("lemmy", version)}) as url:
        nodeinfo.require_supported(nodeinfo.ask(url))


@pytest.mark.parametrize(
    ("version", "path", "field"),
    [("0.19.20", "/api/v3/site", "actor_id"), ("1.0.0-beta.1", "/api/v4/site", "ap_id")],
)
def test_public_address_is_written_where_the_bot_uses_another_one(
    tmp_path: Path, version: str, path: str, field: str
) -> None:
    site = {"site_view": {"site": {field: "https://lemmy.example/"}}}
    with server({"/nodeinfo/2.1": software("lemmy", version), path: (200, site)}) as url:
        fediwarden(tmp_path, "init", "--yes", "--url", url, "--username", "warden")
    block = yaml.safe_load((tmp_path / "config.yaml").read_text(encoding="utf-8"))["instances"][0]
    assert block["url"] == url
    assert block["public_url"] == "https://lemmy.example"


def test_address_is_taken_from_where_redirects_lead() -> None:
    with (
        server({"/nodeinfo/2.1": software("lemmy", "0.19.20")}) as there,
        server({"/nodeinfo/2.1": (301, f"{there}/nodeinfo/2.1")}) as here,
    ):
        assert nodeinfo.ask(here).url == there


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("lemmy.example", "https://lemmy.example"),
        (" https://Lemmy.Example/c/main ", "https://lemmy.example"),
        ("https://lemmy.example:443", "https://lemmy.example"),
        ("http://127.0.0.1:8536/", "http://127.0.0.1:8536"),
        ("http://[::1]:8536", "http://[::1]:8536"),
    ],
)
def test_address_is_brought_to_scheme_host_and_port(text: str, origin: str) -> None:
    assert nodeinfo.origin_of(text) == origin
