"""The docs, the example and the program say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.main import get_command

from adapters.notify.registry import CHANNELS
from adapters.registry import PLATFORMS
from bot.classify import registry
from bot.cli.app import app
from bot.cli.exits import Exit
from bot.domain.decisions import HoldReason, Stage
from bot.domain.evidence import How
from bot.policy.rules import KINDS
from bot.settings import Settings, keys, load

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config.example.yaml"
PAGES = sorted((ROOT / "docs").glob("*.md"))
README = ROOT / "README.md"


def text_of(*paths: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def uncommented() -> Any:
    """The example with every optional key switched on: a commented key has no space after its hash sign."""
    return yaml.safe_load(re.sub(r"(?m)^(\s*)#(?=\S)", r"\1", text_of(EXAMPLE)))


def walk(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{prefix}{key}"
            yield from walk(inner, f"{prefix}{key}.")
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, prefix)


def all_keys() -> set[str]:
    wanted = set(keys())
    for platform in PLATFORMS.values():
        wanted |= set(keys(platform.settings, "instances."))
    for kind in registry.KINDS.values():
        wanted |= set(keys(kind.settings, "detectors."))
    for channel in CHANNELS.values():
        wanted |= set(keys(channel.settings, "notify."))
    return wanted


def commands() -> Iterator[str]:
    """Every command with its group: ``list add``."""
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        yield from (f"{name} {sub}" for sub in inner) if inner else (name,)


def test_example_shows_every_key() -> None:
    assert all_keys() - set(walk(uncommented())) == set()


def test_example_invents_no_key() -> None:
    known = all_keys() | {f"instances.{name}" for name in ("password.file", "totp_secret.file", "token.env")}
    known |= {"instances.pictrs.api_key.file", "notify.password.file", "notify.secret.file"}
    known |= {f"instances.{name}.file" for name in ("token", "webhook.secret")}
    known |= {f"instances.removal.web.{name}.file" for name in ("password", "totp_secret")}
    assert set(walk(uncommented())) - known == set()


def test_docs_explain_every_key() -> None:
    told = text_of(*PAGES)
    assert {key for key in all_keys() if f"| `{key}` |" not in told} == set()


@pytest.mark.parametrize("switched_on", [False, True])
def test_example_is_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switched_on: bool) -> None:
    monkeypatch.setenv("FEDIWARDEN_LEMMY_TOKEN", "token")
    (tmp_path / "secrets").mkdir()
    for name in ("password", "totp", "pictrs-key"):
        (tmp_path / "secrets" / f"lemmy-main.{name}").write_text("secret", encoding="utf-8")
    for name in ("token", "webhook", "password", "totp"):
        (tmp_path / "secrets" / f"mastodon-main.{name}").write_text("a secret of some length", encoding="utf-8")
    for name in ("mail.password", "chat.secret"):
        (tmp_path / "secrets" / name).write_text("a secret of some length", encoding="utf-8")
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(uncommented()) if switched_on else text_of(EXAMPLE), encoding="utf-8")
    read = load(path)
    assert read.stage is Stage.OBSERVE
    for instance in read.instances:
        PLATFORMS[instance["platform"]].settings.model_validate(instance)
    for block in read.detectors:
        registry.read_settings(block)
    for block in read.notify:
        CHANNELS[block["kind"]].settings.model_validate(block)


def test_commented_defaults_of_the_example_are_the_defaults() -> None:
    told, least = uncommented(), Settings.model_validate({"schema": 1, "instances": [{"id": "x"}]})
    full = Settings.model_validate(told)
    assert full.quotas == least.quotas
    assert full.poll_every == least.poll_every
    assert full.tasks_at_once == least.tasks_at_once
    assert full.backlog_stage == least.backlog_stage
    assert full.retention == least.retention
    assert full.media.model_copy(update={"private_hosts": frozenset()}) == least.media
    assert full.alarms == least.alarms
    assert full.rules[0].text == full.rules[1].text
    assert full.rules[0].attribution == full.rules[1].attribution
    assert set(full.rules[0].then) == set(KINDS)


def test_docs_name_every_word_of_the_rules() -> None:
    told = text_of(*PAGES)
    words = [how.word for how in How] + [reason.value for reason in HoldReason] + [stage.word for stage in Stage]
    words += list(KINDS) + list(registry.KINDS) + list(PLATFORMS)
    assert {word for word in words if f"`{word}`" not in told} == set()


def test_every_command_is_in_the_handbook() -> None:
    told = text_of(ROOT / "docs" / "operating.md")
    assert {name for name in commands() if f"| `fediwarden {name}` |" not in told} == set()


def test_commands_in_the_docs_exist() -> None:
    groups = {name.split()[0] for name in commands()}
    told = re.findall(r"(?:^|[`$(] ?)fediwarden ([a-z][a-z-]*)", text_of(README, EXAMPLE, *PAGES), re.MULTILINE)
    assert told
    assert set(told) - groups - {"fediwarden"} == set()


def test_options_in_the_docs_exist() -> None:
    known = {"--help", "--version", "--config", "--log-level"}
    for command in get_command(app).commands.values():  # type: ignore[attr-defined]
        for one in [command, *getattr(command, "commands", {}).values()]:
            known |= {option for parameter in one.params for option in parameter.opts}
    told = text_of(README, EXAMPLE, *PAGES)
    used = set(re.findall(r"fediwarden(?: [^`\s-]\S*)*((?: --[a-z-]+[^`\n]*)+)", told))
    options = {word for chunk in used for word in re.findall(r"--[a-z][a-z-]*", chunk)}
    assert {"--url", "--case", "--config"} <= options
    assert options - known == set()


def test_exit_codes_are_told() -> None:
    told = text_of(ROOT / "docs" / "operating.md")
    assert {code.name for code in Exit if f"| {code.value} | `{code.name}` |" not in told} == set()


def test_make_targets_in_the_docs_exist() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", text_of(ROOT / "Makefile")))
    assert {"demo", "test", "lint", "bench", "conformance", "acceptance"} <= targets
    told = set(re.findall(r"(?:`|\$ |KEY=\S+ )make ([a-z-]+)", text_of(README, *PAGES)))
    assert {"demo", "test"} <= told
    assert told - targets == set()


def test_relative_links_lead_somewhere() -> None:
    for page in [README, ROOT / "CHANGELOG.md", *PAGES, *sorted((ROOT / "bench").glob("*.md"))]:
        for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            found = (page.parent / target) if target else page
            assert found.exists(), f"{page.name}: {link}"
            if anchor:
                assert anchor in anchors(found), f"{page.name}: {link}"


def anchors(page: Path) -> set[str]:
    """As GitHub and Forgejo make them from headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", text_of(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_version_is_in_the_changelog() -> None:
    version = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["version"]
    assert f"## [{version}]" in text_of(ROOT / "CHANGELOG.md")


def test_every_requirement_is_pinned() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + [one for more in extras.values() for one in more]
    names = {re.split(r"[\[<>=]", one)[0].lower().replace("_", "-") for one in wanted}
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in text_of(ROOT / "constraints.txt").splitlines()
        if "==" in line
    }
    assert names - pinned == set()
