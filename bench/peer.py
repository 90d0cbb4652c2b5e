"""What others do, made anew from a reading of it: db0/fedi-safety over horde-safety over clip-interrogator 0.6.0.

For each picture a thread decodes the file, makes a thumbnail of at most 512 x 512, prepares that with the model's own
transform, encodes it alone, and multiplies it with the embeddings of its words; and as its two tables of words (160 and
109) are asked by functions of their own, all of it from the transform on happens twice. Ten threads do so, the default.
On a card the weights are in half precision, under autocast.
"""

from __future__ import annotations

import contextlib
import io
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from bot.classify.clip import torch_model
from bot.classify.clip.torch_model import open_clip

if TYPE_CHECKING:
    from models import Made

TABLES = (160, 109)
THREADS = 10


class Peer:
    """``twice``: as they do. Once is what they could do, and what is left of the difference then."""

    def __init__(self, made: Made, prompts: torch.Tensor, *, device: str = "cpu", twice: bool = True) -> None:
        """``prompts``: ``(n, dim)``. Other words than theirs, and as many: they are multiplied, and never read."""
        self._device = device
        package = open_clip()
        model = torch_model.load_model(made.name, made.weights)
        said = model.visual.preprocess_cfg
        self._transform = package.transform.image_transform_v2(package.transform.PreprocessCfg(**said), is_train=False)
        self._model = model.half().to(device) if device == "cuda" else model
        rows = prompts.repeat(-(-sum(TABLES) // len(prompts)), 1)[: sum(TABLES)].to(
            device, self._model.logit_scale.dtype
        )
        self._tables = rows.split(TABLES) if twice else (rows,)

    def scan(self, files: list[bytes], threads: int = THREADS) -> list[list[float]]:
        """The similarities of each file to all words."""
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(self.check, files))

    def check(self, data: bytes) -> list[float]:
        """One file."""
        picture = self.decode(data)
        found: list[float] = []
        for table in self._tables:
            found += (table @ self._encode(picture).T)[:, 0].tolist()
        return found

    def decode(self, data: bytes) -> Image.Image:
        """From bytes to the thumbnail."""
        picture: Any = Image.open(io.BytesIO(data))
        picture.thumbnail((512, 512))
        return picture

    def prepare(self, picture: Image.Image) -> torch.Tensor:
        """``(1, 3, side, side)``."""
        return self._transform(picture).unsqueeze(0)

    def embedding(self, data: bytes) -> torch.Tensor:
        """``(1, dim)``, as it comes out of their way."""
        return self._encode(self.decode(data))

    def _encode(self, picture: Image.Image) -> torch.Tensor:
        batch = self.prepare(picture).to(self._device)
        half = torch.autocast("cuda") if self._device == "cuda" else contextlib.nullcontext()
        with torch.no_grad(), half:
            features = self._model.encode_image(batch)
        return (features / features.norm(dim=-1, keepdim=True)).to(self._tables[0].dtype)


def processor_time_of_decoding(peer: Peer, files: list[bytes]) -> float:
    """Seconds of one core, for all of them, transform included, each once.

    In one thread: torch's own ones wait by spinning, which is no work.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    began = time.process_time()
    for data in files:
        peer.prepare(peer.decode(data))
    spent = time.process_time() - began
    torch.set_num_threads(threads)
    return spent
