"""``fediwarden embed``: pictures become samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import yaml

from bot.classify.clip.shapes.drawing import draw
from classify.clip.models import detector, pictures
from commanding import fediwarden, flat

if TYPE_CHECKING:
    from pathlib import Path


def test_folder_that_is_not_there_is_named_before_the_work(tmp_path: Path) -> None:
    done = fediwarden(tmp_path, "embed", "pictures", "--to", "nowhere/x.safetensors", code=2)
    assert "nowhere/x.safetensors: there is no folder nowhere" in flat(done.stderr)


def test_samples_are_written_before_the_detector_can_use_them(tmp_path: Path) -> None:
    folder = tmp_path / "spam"
    folder.mkdir()
    random = np.random.default_rng(4)
    for number, what in enumerate(["green cross", "green cross", "purple ring"]):
        draw(what, random).save(folder / f"{number}.png")
    (folder / "notes.txt").write_text("no picture", encoding="utf-8")
    (folder / "large.png").write_bytes(b"x" * 2_000_000)
    block = {
        "id": "clip",
        "kind": "clip",
        "model": "shapes",
        "engine": "onnxruntime",
        "samples": [{"label": "spam", "file": "spam.safetensors"}],
    }
    config = tmp_path / "config.yaml"
    instance = {"id": "here", "platform": "lemmy", "url": "http://127.0.0.1:9", "username": "w", "password": "p"}
    said = {"schema": 1, "instances": [instance], "detectors": [block], "media": {"max_bytes": 1_000_000}}
    config.write_text(yaml.safe_dump(said), encoding="utf-8")
    to = tmp_path / "spam.safetensors"
    done = fediwarden(tmp_path, "embed", str(folder), "--to", str(to))
    assert "3 picture(s), 3 embedding(s)" in done.stdout
    assert "left out" in done.stdout
    assert "large.png: has more than 1000000 bytes" in flat(done.stdout)
    made = detector(labels=[], samples=[{"label": "spam", "file": to}])
    batch, shown = pictures(38)
    values = [row["spam"] for row in made.finish(made.infer([batch]))]
    assert shown[int(np.argmax(values))] in {"green cross", "purple ring"}
