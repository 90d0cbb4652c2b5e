"""How fast pictures are scanned with a CLIP model: the way of others against the bot's, engine by engine.

    python bench/scan.py [--model ViT-B-32] [--pictures 32] [--rounds 5] [--device cuda] [--json FILE]

All ways look at the same generated JPEGs with the same random weights (see ``models.py``) on the same processor or
card, taking turns within one run, so that a busy machine slows all of them. Ratios are medians of what each round gave.
The bot's way does more: structure check, SHA-256, PDQ, decoders that may die. "Like for like" is the ratio of processor
time from bytes to scores alone, by the same functions in one process. What saves most in practice is left out: nothing
is scanned twice here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ceilings import ceilings
from known import known_file
from models import SETS, Made, made
from ours import AT_ONCE, WORKERS, Ours, Spent, decoding, processor_time_of_views, ready
from peer import Peer, processor_time_of_decoding
from pictures import several
from rich.console import Console
from rich.table import Table

from bot.classify.clip.labels import prompts_of, read_all
from bot.classify.clip.texts import key
from bot.classify.clip.weights import arrays

PEER, ONCE = "others: one at a time, encoded twice, 10 threads", "others, were they to encode once"
ON_PROCESSOR = {
    "torch fp32": {"engine": "torch"},
    "torch bf16": {"engine": "torch", "precision": "bf16"},
    "onnxruntime": {"engine": "onnxruntime"},
    "onnxruntime-int8": {"engine": "onnxruntime-int8"},
    "openvino fp32": {"engine": "openvino"},
    "openvino bf16": {"engine": "openvino", "precision": "bf16"},
    "openvino-int8": {"engine": "openvino-int8"},
}
ON_CARD = {
    "torch fp32": {"engine": "torch", "device": "cuda"},
    "torch bf16": {"engine": "torch", "device": "cuda", "precision": "bf16"},
    "torch bf16, batch 1": {"engine": "torch", "device": "cuda", "precision": "bf16", "batch": 1},
}


def prompts(one: Made) -> torch.Tensor:
    """``(n, dim)``: what the shipped sets ask, as the text tower of these weights has it."""
    file = one.exported / "prompts.safetensors"
    rows = arrays(file.read_bytes(), file)
    return torch.from_numpy(np.stack([rows[key(prompt)] for prompt in prompts_of(read_all(SETS))]))


async def rounds(
    peers: dict[str, Peer], ways: dict[str, Ours], files: list[bytes], count: int
) -> dict[str, list[tuple[float, float, float]]]:
    """Way to its rounds' wall seconds, processor seconds, and those from bytes to scores alone, which is all that
    others do. Who begins changes with each round.
    """
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in (*peers, *ways)}
    decoder = next(iter(ways.values())).decoder
    for number in range(count):
        names = list(taken)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            spent = Spent(decoder)
            if name in peers:
                await asyncio.to_thread(peers[name].scan, files)
            else:
                await ways[name].scan(files)
            wall, processor = spent()
            alike = processor if name in peers else ways[name].processor_time_alike(files)
            taken[name].append((wall, processor, alike))
            print(f"round {number + 1}: {name}: {taken[name][-1][0]:.2f} s", file=sys.stderr)
    return taken


async def apart(
    peer: Peer, rows: torch.Tensor, ways: dict[str, Ours], files: list[bytes]
) -> dict[str, tuple[float, float]]:
    """Largest difference of any cosine with any prompt: to others' way; to the first engine's on the same views."""
    theirs = torch.cat([peer.embedding(data) for data in files]).float().cpu() @ rows.T
    found = {name: torch.from_numpy(await way.embeddings(files)) @ rows.T for name, way in ways.items()}
    first = next(iter(found.values()))
    return {name: (float((one - theirs).abs().max()), float((one - first).abs().max())) for name, one in found.items()}


async def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Everything, as it is written to ``--json``."""
    one = made(options.model, folder)
    rows = prompts(one)
    wanted = ON_CARD if options.device == "cuda" else ON_PROCESSOR
    wanted = {name: said for name, said in wanted.items() if name in options.ways.split(",") or options.ways == "all"}
    missing = [name for name in wanted if name.startswith("openvino") and find_spec("openvino") is None]
    wanted = {name: {"batch": options.batch, **said} for name, said in wanted.items() if name not in missing}
    files = several(options.size, options.pictures)
    peer = Peer(one, rows, device=options.device)
    once = Peer(one, rows, device=options.device, twice=False)
    async with AsyncExitStack() as stack:
        decoder = await stack.enter_async_context(decoding(options.workers))
        ways = {
            name: await stack.enter_async_context(ready(one.settings(**said), decoder, options.at_once))
            for name, said in wanted.items()
        }
        few = files[: min(len(files), options.at_once)]
        for each in (peer, once):
            each.scan(few[:2])
        differences = await apart(peer, rows, ways, few)
        for way in ways.values():  # the first batches of each size compile what later ones use
            await way.scan(few)
        taken = await rounds({PEER: peer, ONCE: once}, ways, files, options.rounds)
        told: dict[str, Any] = {
            "model": options.model,
            "made": datetime.now(UTC).isoformat(timespec="minutes"),
            "versions": {name: _version(name) for name in ("torch", "onnxruntime", "openvino", "pillow")},
            "cores": len(os.sched_getaffinity(0)),
            "device": torch.cuda.get_device_name() if options.device == "cuda" else "processor",
            "options": {name: str(value) for name, value in vars(options).items()},
            "left_out": missing,
            "ways": _ratios(taken, differences, options.pictures),
        }
        if options.device == "cuda":
            told["ceilings"] = await ceilings(ways["torch bf16"], files, batch=options.batch, rounds=options.rounds)
    told["decode"] = await decode(peer, one, options)
    told["known"] = known_file()
    return told


async def decode(peer: Peer, one: Made, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Processor time of decoding for each size, as a part of others': all of it, and views alone; medians."""
    found = {}
    async with decoding(1) as decoder, ready(one.settings(engine="onnxruntime"), decoder, 1) as way:
        for size, count in (("0.5 MP", 24), ("2 MP", 16), ("12 MP", 8)):
            files = several(size, count)
            await way.decode(files[:2])
            parts = []
            for _ in range(max(options.rounds, 5)):
                theirs = processor_time_of_decoding(peer, files)
                spent = Spent(decoder)
                await way.decode(files)
                parts.append((spent()[1] / theirs, processor_time_of_views(files, way.detector.views) / theirs))
            everything, views = (statistics.median(column) for column in zip(*parts, strict=True))
            found[size] = {"all": everything, "views": views, "theirs_ms": theirs / count * 1000}
    return found


def _ratios(taken: dict[str, Any], differences: dict[str, tuple[float, float]], pictures: int) -> dict[str, Any]:
    made = {}
    for name, spent in taken.items():
        ratios = [
            [a / b for a, b in zip(theirs, ours, strict=True)] for theirs, ours in zip(taken[PEER], spent, strict=True)
        ]
        wall, processor, alike = (statistics.median(column) for column in zip(*ratios, strict=True))
        made[name] = {
            "per_second": pictures / statistics.median(seconds for seconds, *_ in spent),
            "wall": wall,
            "wall_range": [min(ratio for ratio, *_ in ratios), max(ratio for ratio, *_ in ratios)],
            "processor": processor,
            "alike": alike,
            "apart": differences.get(name),
        }
    return made


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def show(told: dict[str, Any]) -> None:
    """For people."""
    console = Console(width=140)
    table = Table(
        "way", "pictures/s", "ratio", "of rounds", "by processor time", "like for like", "cosines apart: in all, engine"
    )
    for name, one in told["ways"].items():
        low, high = one["wall_range"]
        far = "" if one["apart"] is None else "{:.4f}, {:.4f}".format(*one["apart"])
        speed = f"{one['per_second']:.2f}"
        ratios = (f"{one['wall']:.2f}", f"{low:.2f} to {high:.2f}", f"{one['processor']:.2f}", f"{one['alike']:.2f}")
        table.add_row(name, speed, *ratios, far)
    console.print(table)
    for part in ("left_out", "ceilings", "decode", "known", "versions", "made", "cores", "device"):
        if told.get(part):
            console.print(f"{part}: {told[part]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="ViT-B-32", help="a name of open_clip")
    parser.add_argument("--pictures", type=int, default=32)
    parser.add_argument("--size", choices=["0.5 MP", "2 MP", "12 MP"], default="2 MP")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ways", default="all", help="such as: torch bf16,openvino-int8")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="as `tasks_at_once`, by default its default")
    parser.add_argument(
        "--workers", type=int, default=WORKERS, help="as `media.decode_workers`, by default its default"
    )
    parser.add_argument("--batch", type=int, default=16, help="as the detector's `batch`, by default its default")
    parser.add_argument("--models", type=Path, help="a folder in which models are kept for the next time")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(measure(options, options.models or Path(folder)))
    if options.json is not None:
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    show(told)


if __name__ == "__main__":
    main()
