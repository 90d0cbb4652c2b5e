"""Import rules, and a few habits of the house, read from the source."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
STAGES = ("attribution", "media", "matching", "classify", "policy", "enforce")
HEAVY = {"torch", "open_clip"}


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """Full names of all modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports with their full names"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inside(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def contracts() -> configparser.ConfigParser:
    read = configparser.ConfigParser()
    read.read(ROOT / ".importlinter", encoding="utf-8")
    return read


def test_import_contracts_are_kept() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_room_has_its_place_in_the_layers() -> None:
    layers = contracts()["importlinter:contract:layers"]["layers"]
    placed = set(re.findall(r"[\w.]+", layers))
    rooms = {module_of(path) for path in (ROOT / "bot").glob("*.py") if path.name != "__init__.py"}
    rooms |= {f"bot.{path.parent.name}" for path in (ROOT / "bot").glob("*/__init__.py")}
    assert rooms - placed == set(), "add them to .importlinter"


def test_domain_imports_the_standard_library_only() -> None:
    for path in sources("bot/domain"):
        foreign = {
            name
            for name in imports(path)
            if not inside(name, "bot.domain") and name.split(".")[0] not in sys.stdlib_module_names
        }
        assert foreign == set(), path


@pytest.mark.parametrize("stage", STAGES)
def test_stage_knows_no_other_stage_and_not_the_ledger(stage: str) -> None:
    files = sources(f"bot/{stage}")
    allowed = (f"bot.{stage}", "bot.ports", "bot.domain", "bot.written")
    assert files
    for path in files:
        known = {name for name in imports(path) if inside(name, "bot", "adapters") and not inside(name, *allowed)}
        assert known - {"bot"} == set(), path


def test_adapters_know_ports_and_domain_and_no_other_platform() -> None:
    platforms = {path.parent.name for path in (ROOT / "adapters").glob("*/__init__.py")}
    assert {"lemmy", "pictrs", "sandbox"} <= platforms
    for path in sources("adapters"):
        own = path.relative_to(ROOT / "adapters").parts[0]
        for name in imports(path):
            assert not inside(name, "bot") or inside(name, "bot.ports", "bot.domain"), f"{path}: {name}"
            others = {f"adapters.{platform}" for platform in platforms - {own}}
            if own in platforms:
                assert not inside(name, *others), f"{path}: {name}"


def test_only_wiring_imports_adapters() -> None:
    importers = {module_of(path) for path in sources("bot") for name in imports(path) if inside(name, "adapters")}
    assert importers
    assert all(inside(name, "bot.wiring") for name in importers)


def test_settings_are_read_by_the_command_line_and_wiring_only() -> None:
    for path in sources("bot", "adapters"):
        if any(inside(name, "bot.settings") for name in imports(path)):
            assert inside(module_of(path), "bot.cli", "bot.demo", "bot.wiring"), path


def test_torch_is_imported_by_the_detectors_only() -> None:
    for path in sources("bot", "adapters"):
        if any(name.split(".")[0] in HEAVY for name in imports(path)):
            assert inside(module_of(path), "bot.classify"), path


def test_no_file_is_named_after_nothing_in_particular() -> None:
    vague = {"utils", "util", "helpers", "helper", "misc", "manager", "common"}
    found = [path for path in sources("bot", "adapters", "tests", "bench") if vague & set(path.stem.split("_"))]
    assert found == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in sources("bot", "adapters") if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_every_benchmark_can_be_started() -> None:
    pytest.importorskip("torch")
    names = [path.stem for path in sources("bench")]
    code = f"import importlib, sys; sys.path.insert(0, 'bench'); [importlib.import_module(name) for name in {names}]"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
