"""What is wrong with a configuration is said by place and with a remedy, and never by repeating a secret."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.domain.decisions import Limit, Stage
from bot.domain.errors import ConfigError
from bot.domain.evidence import How
from bot.settings import LIVE, LOCAL_BLOCK, Settings, keys, load, renewed
from bot.written import read

SECRET = "correct-horse-battery-staple"


def settings(**changes: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "instances": [{"id": "main", "platform": "lemmy", "password": SECRET}],
        "lists": [{"id": "known", "mode": "block"}, {"id": "fine", "mode": "allow"}],
        "detectors": [{"id": "nsfw", "kind": "opennsfw"}],
        "rules": [rule()],
    } | changes


def rule(**changes: Any) -> dict[str, Any]:
    return {"id": "one", "when": {"lists": ["known"]}, "then": ["report"]} | changes


def written(folder: Path, content: Any) -> Path:
    path = folder / "config.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return path


def refusal(folder: Path, content: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        load(written(folder, content))
    message = str(raised.value)
    assert SECRET not in message
    assert str(folder / "config.yaml") in message or "instances" in message
    return message


def test_least_configuration_only_watches(tmp_path: Path) -> None:
    read = load(written(tmp_path, {"schema": 1, "instances": [{"id": "main"}]}))
    assert read.stage is Stage.OBSERVE
    assert read.backlog_stage is Stage.REPORT
    assert read.irreversible == frozenset()
    assert read.evidence is None
    assert read.start_from == timedelta(0)


def test_words_and_durations_become_values(tmp_path: Path) -> None:
    read = load(
        written(
            tmp_path,
            settings(
                stage="hide",
                start_from="30d",
                poll_every="2m",
                rules=[rule(stage="enforce", attribution="listed", when={"lists": [LOCAL_BLOCK], "near": True})],
            ),
        )
    )
    assert (read.stage, read.rules[0].stage) == (Stage.HIDE, Stage.ENFORCE)
    assert (read.start_from, read.poll_every) == (timedelta(days=30), timedelta(minutes=2))
    assert read.rules[0].attribution is How.LISTED


def test_start_from_all_has_no_bound(tmp_path: Path) -> None:
    assert load(written(tmp_path, settings(start_from="all"))).start_from is None


@pytest.mark.parametrize(
    ("changes", "place", "remedy"),
    [
        ({"stages": "observe"}, "stages", "is not a known key"),
        ({"rules": [rule(thn=["report"])]}, "rules.0.thn", "is not a known key"),
        ({"quotas": {"reprot": 3}}, "quotas.reprot", "is not a known key"),
        ({"stage": "watch"}, "stage", "observe, report, hide, enforce"),
        ({"stage": 3}, "stage", "observe, report, hide, enforce"),
        ({"rules": [rule(stage="Enforce")]}, "rules.0.stage", "observe, report, hide, enforce"),
        ({"rules": [rule(then=["report", "freeze_account"])]}, "rules.0.then.1", "no platform offers this deed"),
        ({"rules": [rule(limit={"how": "freeze"})]}, "rules.0.limit.how", "silence"),
        ({"rules": [rule(then=[])]}, "rules.0.then", "at least 1"),
        ({"rules": [rule(when={})]}, "rules.0.when", "a rule needs `lists` or `score`"),
        ({"rules": [rule(when={"lists": ["unknown"]})]}, "rule one", "there is no block list 'unknown'"),
        ({"rules": [rule(when={"lists": ["fine"]})]}, "rule one", "there is no block list 'fine'"),
        (
            {"rules": [rule(when={"score": {"detector": "other", "label": "x", "at_least": 0.5}})]},
            "rule one",
            "there is no detector 'other'",
        ),
        (
            {"rules": [rule(when={"score": {"detector": "nsfw", "label": "nsfw", "at_least": 0}})]},
            "rules.0.when.score.at_least",
            "greater than 0",
        ),
        ({"rules": [rule(attribution="certain")]}, "rules.0.attribution", "listed, attached"),
        ({"rules": [rule(when={"lists": ["known"], "roles": ["picture"]})]}, "rules.0.when.roles.0", "attachment"),
        ({"rules": [rule(), rule()]}, "rules", "the id 'one' is used twice"),
        ({"lists": [{"id": "known", "mode": "block"}] * 2}, "lists", "the id 'known' is used twice"),
        ({"instances": [{"id": "main", "password": SECRET}] * 2}, "instances", "the id 'main' is used twice"),
        ({"detectors": [{"id": "nsfw"}] * 2}, "detectors", "the id 'nsfw' is used twice"),
        ({"lists": [{"id": "known", "mode": "deny"}]}, "lists.0.mode", "block"),
        ({"poll_every": 15}, "poll_every", "a number and a unit"),
        ({"start_from": "yesterday"}, "start_from", "a number and a unit"),
        ({"irreversible": ["ban_account"]}, "irreversible", "purge_file"),
        ({"evidence": "sealed"}, "evidence", "none"),
        ({"instances": []}, "instances", "at least 1"),
        ({"instances": SECRET}, "instances", "tuple"),
        ({"rules": [rule(id="Not An Id")]}, "rules.0.id", "pattern"),
        ({"media": {"max_bytes": 3}}, "media.max_bytes", "1024"),
    ],
)
def test_fault_is_named_with_its_place_and_remedy(
    tmp_path: Path, changes: dict[str, Any], place: str, remedy: str
) -> None:
    message = refusal(tmp_path, settings(**changes))
    assert place in message
    assert remedy in message


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, settings(stage="watch", poll_every="soon", evidence="some"))
    assert "3 things to mend" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("schema: [1", "is not YAML"),
        ("schema: 1\nstage: 2026-02-30", "is not YAML: day is out of range for month; put what is no date in quotes"),
        ("schema: 1\nrules: []\nlists: []\nrules: []", "the key 'rules' is there twice; join the two (line 4)"),
        ("schema: 1\nquotas: {remove: 1, remove: 2}", "the key 'remove' is there twice"),
        ("- schema: 1", "has to be a mapping"),
        ("", "has to be a mapping"),
        ("stage: observe", "`schema` is None; this version reads `schema: 1`"),
        ("schema: 2\ninstances: [{id: main}]", "`schema` is 2; this version reads `schema: 1`"),
    ],
)
def test_what_is_no_configuration_is_refused(tmp_path: Path, content: str, words: str) -> None:
    assert words in refusal(tmp_path, content)


def test_what_is_merged_in_may_be_written_anew() -> None:
    text = "base: &base {at: 1}\nouter: {first: &first {<<: *base, at: 2}}\nsecond: {<<: *first, at: 3}"
    found = read(text, "x")
    assert (found["outer"]["first"], found["second"]) == ({"at": 2}, {"at": 3})


@pytest.mark.parametrize("value", [f'"{SECRET}', f"@{SECRET}", f"{SECRET}: x"])
def test_secret_on_a_line_that_is_not_yaml_is_not_repeated(tmp_path: Path, value: str) -> None:
    assert "line 4" in refusal(tmp_path, f"schema: 1\ninstances:\n  - id: main\n    password: {value}\n    url: x\n")


def test_missing_file_names_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`fediwarden init` writes one"):
        load(tmp_path / "config.yaml")


def test_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"schema: 1 # \xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "config.yaml")


def test_secrets_come_from_files_beside_the_configuration_and_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "password").write_text(f"{SECRET}\n", encoding="utf-8")
    monkeypatch.setenv("FEDIWARDEN_TEST_KEY", "key")
    block = {
        "id": "main",
        "password": {"file": "secrets/password"},
        "pictrs": {"url": "http://x", "api_key": {"env": "FEDIWARDEN_TEST_KEY"}},
    }
    read = load(written(tmp_path, settings(instances=[block])))
    assert read.instances[0]["password"] == SECRET
    assert read.instances[0]["pictrs"]["api_key"] == "key"


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ({"file": "secrets/none"}, "the secret file"),
        ({"env": "FEDIWARDEN_NO_SUCH_VARIABLE"}, "the environment has no variable 'FEDIWARDEN_NO_SUCH_VARIABLE'"),
    ],
)
def test_missing_secret_is_named_with_the_key_that_wants_it(
    tmp_path: Path, reference: dict[str, str], words: str
) -> None:
    message = refusal(tmp_path, settings(instances=[{"id": "main", "password": reference}]))
    assert "instances[0].password" in message
    assert words in message


def test_every_key_is_listed_by_its_dotted_name() -> None:
    names = list(keys())
    assert len(names) == len(set(names))
    assert {"schema", "rules.when.score.at_least", "rules.ban.days", "lists.file", "media.private_hosts"} <= set(names)


def test_reload_takes_up_what_it_can_and_names_what_waits(tmp_path: Path) -> None:
    running = load(written(tmp_path, settings(rules=[rule(), rule(id="two")], stage="hide")))
    instances = [{"id": "main", "platform": "lemmy", "password": "another"}]
    changed = settings(rules=[rule(text="other words"), rule(id="three")], quotas={"report": 1}, instances=instances)
    in_force, taken_up, needs_restart = renewed(running, load(written(tmp_path, {**changed, "tasks_at_once": 3})))
    assert taken_up == ["stage", "rules.one", "rules.three", "rules.two", "quotas"]
    assert needs_restart == ["tasks_at_once", "instances"]
    assert (in_force.stage, in_force.quotas.report, in_force.tasks_at_once) == (Stage.OBSERVE, 1, 8)
    assert in_force.instances == running.instances
    assert renewed(running, running) == (running, [], [])


def test_handbook_names_what_a_reload_takes_up() -> None:
    told = (Path(__file__).parent.parent / "docs" / "operating.md").read_text(encoding="utf-8")
    sentence = re.search(r"It\s+takes up (.+?)\. All other keys need a restart", told, re.DOTALL)
    assert sentence is not None
    assert set(re.findall(r"`(\w+)`", sentence[1])) == set(LIVE)
    assert set(LIVE) <= set(Settings.model_fields)


def test_limit_of_a_rule_is_read(tmp_path: Path) -> None:
    limits = [rule(then=["limit_account"]), rule(id="two", then=["limit_account"], limit={"how": "sensitive"})]
    read = load(written(tmp_path, settings(rules=limits, irreversible=["remove"])))
    assert [one.limit.how for one in read.rules] == [Limit.SILENCE, Limit.SENSITIVE]
    assert read.irreversible == {"remove"}


@pytest.mark.parametrize(
    ("switch", "to"),
    [
        ("{set: registration, to: closed}", "closed"),
        ("{set: federation, to: off}", "off"),
        ("{set: uploads, to: 'on'}", "on"),
    ],
)
def test_switch_of_a_rule_is_read(tmp_path: Path, switch: str, to: str) -> None:
    turned = rule(then=["report", "set_switch"], switch=yaml.safe_load(switch))
    (one,) = load(written(tmp_path, settings(rules=[turned]))).rules
    assert one.switch is not None
    assert one.switch.to == to


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"then": ["set_switch"]}, "belong together"),
        ({"switch": {"set": "registration", "to": "closed"}}, "belong together"),
        ({"then": ["set_switch"], "switch": {"set": "registration", "to": "off"}}, "open, applications, closed"),
        ({"then": ["set_switch"], "switch": {"set": "federation", "to": "closed"}}, "on, off"),
        ({"then": ["set_switch"], "switch": {"set": "everything", "to": "off"}}, "registration"),
    ],
)
def test_switch_that_does_not_exist_is_refused_with_those_that_do(
    tmp_path: Path, changes: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(ConfigError, match=wrong):
        load(written(tmp_path, settings(rules=[rule(**changes)])))


@pytest.mark.parametrize(
    ("written_as", "kept"),
    [
        ("alice@here.example", "alice@here.example"),
        ("@Alice@here.example", "alice@here.example"),
        (" !pictures@here.example ", "pictures@here.example"),
        ("https://Here.example/users/Alice/", "https://here.example/users/Alice"),
        ("@Rita@bücher.example", "rita@xn--bcher-kva.example"),
        ("https://bücher.example/users/Rita", "https://xn--bcher-kva.example/users/Rita"),
    ],
)
@pytest.mark.parametrize("key", ["accounts", "communities"])
def test_protected_names_are_kept_as_they_are_met(tmp_path: Path, key: str, written_as: str, kept: str) -> None:
    found = load(written(tmp_path, settings(protected={key: [written_as]})))
    assert getattr(found.protected, key) == {kept}


@pytest.mark.parametrize(
    "nobody", ["nonsense", "", "@alice", "a@b@c", "alice@", "alice@here.example/x", "https://here.example", "ftp://a/b"]
)
@pytest.mark.parametrize("key", ["accounts", "communities"])
def test_a_protected_name_that_nobody_can_have_is_refused(tmp_path: Path, key: str, nobody: str) -> None:
    with pytest.raises(ConfigError, match=rf"protected\.{key}\.1: .*name@host"):
        load(written(tmp_path, settings(protected={key: ["bob@here.example", nobody]})))
