"""What only a graphics card can show: its numbers, its memory, and the whole way from bytes to scores on it."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bot.classify.batcher import BatchScorer
from bot.classify.clip.shapes.drawing import CLASSES, draw
from bot.media.decode import ProcessDecoder
from bot.ports import Decoded
from classify.clip.models import detector, pictures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.classify.clip.detector import ClipDetector
    from bot.domain.evidence import Score

torch = pytest.importorskip("torch")  # of the extra `clip`; the bot itself does without

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no graphics card here"),
]

CARD = "cuda"
FP32, BF16 = 0.005, 0.02
"""How far a cosine may be from the processor's: cards multiply in TF32 where it is faster, and bf16 rounds more."""


def on_card(**said: Any) -> ClipDetector:
    return detector(engine="torch", device=CARD, threads=0, **said)


@pytest.mark.parametrize(("precision", "most"), [("fp32", FP32), ("bf16", BF16)])
def test_similarities_are_those_of_the_processor(precision: str, most: float) -> None:
    batch = pictures(190)[0]
    rows, exact = on_card(precision=precision).infer([batch]), detector().infer([batch])
    assert np.abs(rows @ exact.T - exact @ exact.T).max() < most


@pytest.fixture
def little_memory() -> Iterator[None]:
    """torch may take 256 MB of the card."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(256e6 / torch.cuda.get_device_properties(0).total_memory)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


@pytest.mark.usefixtures("little_memory")
def test_batch_that_does_not_fit_into_its_memory_is_halved_until_it_does() -> None:
    some = pictures(38)[0]
    many = np.tile(some, (200, 1, 1, 1))  # its views alone take 370 MB there
    made: Any = on_card()
    rows = made.infer([many])
    assert made._engine._most < len(many)
    np.testing.assert_allclose(rows, np.tile(made.infer([some]), (200, 1)), atol=FP32)


def test_pictures_go_from_bytes_to_scores_as_on_the_processor() -> None:
    random = np.random.default_rng(5)
    files = []
    for what in CLASSES:
        buffer = io.BytesIO()
        draw(what, random).save(buffer, "JPEG", quality=92)
        files.append(buffer.getvalue())

    async def scores(made: ClipDetector) -> list[dict[str, float]]:
        decoder, scorer = ProcessDecoder(workers=2), BatchScorer([made])

        async def one(data: bytes) -> dict[str, float]:
            decoded = await decoder.decode(data, scorer.views)
            assert isinstance(decoded, Decoded)
            found: tuple[Any, Any] = await scorer.score(decoded)
            values: list[Score] = found[0]
            assert not found[1]
            return {score.label: score.value for score in values}

        await decoder.start()
        try:
            return list(await asyncio.gather(*(one(data) for data in files)))
        finally:
            await scorer.aclose()
            await decoder.aclose()

    for one, other in zip(asyncio.run(scores(on_card())), asyncio.run(scores(detector())), strict=True):
        assert one == pytest.approx(other, abs=0.05)
