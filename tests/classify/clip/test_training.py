"""The program that made the shipped model still makes one, and the same one each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from safetensors.numpy import load_file

from bot.classify.clip.torch_model import load_model
from bot.classify.clip.weights import digest_of
from classify.clip.models import CONFIG, WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

torch = pytest.importorskip("torch")  # of the extra `clip`; the bot itself does without

from bot.classify.clip.shapes.train import right_first, save, train  # noqa: E402 - it is nothing without torch


@pytest.fixture(autouse=True)
def _settings_of_torch() -> Iterator[None]:
    """Training sets them for the whole process."""
    threads = torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


def test_training_gives_the_same_weights_each_time(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.safetensors"
        save(train(2, count=100), path)
        digests.append(digest_of(path))
    assert digests[0] == digests[1]
    made, shipped = load_file(path), load_file(WEIGHTS)
    assert {name: value.shape for name, value in made.items()} == {name: value.shape for name, value in shipped.items()}


def test_shipped_model_tells_most_classes_apart() -> None:
    assert right_first(load_model(CONFIG, WEIGHTS), 380) > 0.75
