"""The unit and the container files say what is so: paths, options, commands and times fit the program."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.main import get_command

from bot.cli.app import app
from bot.cli.exits import Exit
from bot.ending import GRACE

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "docs" / "deploy"
UNIT = DEPLOY / "fediwarden.service"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PROGRAM = next(iter(PROJECT["scripts"]))


def unit() -> dict[str, str]:
    """Every setting of the unit, the last one where there are several."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and line[0] not in "#[")


def instructions(stage: int) -> list[tuple[str, str]]:
    """Of the container file, one stage after the other: ``("RUN", "python …")``."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    starts = [number for number, line in enumerate(lines) if line.startswith("FROM ")] + [len(lines)]
    assert len(starts) == 3, "two stages"
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines[starts[stage] : starts[stage + 1]]]


def said(stage: int, word: str) -> list[str]:
    return [rest for known, rest in instructions(stage) if known == word]


def seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)s?", text)
    assert match, text
    return float(match[1])


def understood(words: Sequence[str]) -> bool:
    """Whether the program has such a command with such options."""
    command: Any = get_command(app)
    assert words[0] == PROGRAM
    for word in words[1:]:
        if word.startswith("-"):
            assert word in {option for parameter in command.params for option in parameter.opts}, word
        else:
            assert word in command.commands, word
            command = command.commands[word]
    return True


def test_unit_starts_reloads_and_stops_the_program_that_there_is() -> None:
    known = unit()
    program, *words = shlex.split(known["ExecStart"])
    assert Path(program).name == PROGRAM
    assert understood([PROGRAM, *words])
    assert known["ExecReload"].endswith("kill -HUP $MAINPID")
    assert seconds(known["TimeoutStopSec"]) > GRACE
    assert known["RestartPreventExitStatus"] == str(Exit.USAGE.value)
    assert known["ProtectSystem"] == "strict"
    home = f"/var/lib/{known['StateDirectory']}"
    assert known["WorkingDirectory"] == home
    assert known["Environment"] == f"FEDIWARDEN_CONFIG={home}/config.yaml"


def test_unit_and_handbook_name_the_same_paths() -> None:
    told = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    known = unit()
    venv = Path(shlex.split(known["ExecStart"])[0]).parent.parent
    for path in (str(venv), known["WorkingDirectory"], "docs/deploy/fediwarden.service"):
        assert path in told, path
    assert f"venv {venv}" in told


def test_variable_that_names_the_configuration_is_the_one_that_is_read() -> None:
    read = {parameter.envvar for parameter in get_command(app).params if parameter.name == "config"}
    assert read == {"FEDIWARDEN_CONFIG"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here to ask")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    program = shlex.split(unit()["ExecStart"])[0]
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text(encoding="utf-8").replace(program, "/bin/true"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_container_is_built_from_what_there_is() -> None:
    for words in said(0, "COPY"):
        *sources, _ = words.split()
        for source in sources:
            assert (ROOT / source).exists(), source
    *_, build = said(0, "RUN")
    (extra,) = re.findall(r"'\.\[(.+)\]'", build)
    assert set(extra.split(",")) <= set(PROJECT["optional-dependencies"])
    assert "--constraint constraints.txt" in build
    (venv,) = re.findall(r"python -m venv (\S+)", build)
    assert said(1, "COPY") == [f"--from=build {venv} {venv}"]
    assert f"PATH={venv}/bin:" in said(1, "ENV")[0]
    wanted = tuple(int(number) for number in re.findall(r"\d+", PROJECT["requires-python"]))
    for stage in (0, 1):
        image = re.search(r"python:(\d+)\.(\d+)", said(stage, "FROM")[0])
        assert image is not None
        assert (int(image[1]), int(image[2])) >= wanted


def test_container_runs_the_program_as_nobody_in_particular() -> None:
    (user,) = said(1, "USER")
    assert user.isdecimal()
    assert int(user) > 0
    (folder,) = said(1, "WORKDIR")
    assert said(1, "VOLUME") == [folder]
    assert f"FEDIWARDEN_CONFIG={folder}/config.yaml" in said(1, "ENV")[0]
    assert said(1, "STOPSIGNAL") == ["SIGTERM"]
    entry, command = json.loads(said(1, "ENTRYPOINT")[0]), json.loads(said(1, "CMD")[0])
    assert understood([*entry, *command])
    health = said(1, "HEALTHCHECK")[0].split(" CMD ")[1]
    assert understood(json.loads(health))


def test_compose_example_fits_the_container() -> None:
    told = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    (service,) = told["services"].values()
    context = (DEPLOY / service["build"]["context"]).resolve()
    assert context == ROOT
    assert context / service["build"]["dockerfile"] == DEPLOY / "Containerfile"
    assert seconds(service["stop_grace_period"]) > GRACE
    volume, _, folder = service["volumes"][0].partition(":")
    assert volume in told["volumes"]
    assert said(1, "VOLUME") == [folder]
    assert set(service["networks"]) == set(told["networks"])


def test_commands_in_these_files_exist() -> None:
    for path in sorted(DEPLOY.iterdir()):
        for words in re.findall(r"`(fediwarden [^`]+)`|exec fediwarden (fediwarden .+)", path.read_text("utf-8")):
            assert understood(shlex.split(words[0] or words[1])), path.name
