"""Engines against each other, memory that runs out, devices that go, and what torch models are refused."""

from __future__ import annotations

import asyncio
import json
import shutil
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from bot.classify import device
from bot.classify.batcher import BatchScorer
from bot.classify.clip import model, torch_model
from bot.classify.clip.engines import ScreeningEngine, TorchEngine
from bot.classify.clip.export import export, write_manifest
from bot.classify.clip.labels import prompts_of, read_all
from bot.classify.clip.model import SHIPPED, OpenClipModel
from bot.classify.clip.texts import key
from bot.classify.clip.weights import digest_of
from bot.domain.errors import ConfigError
from classify.clip.models import CONFIG, WEIGHTS, decoded, detector, pictures, settings

if TYPE_CHECKING:
    from pathlib import Path

    from bot.classify.clip.detector import ClipDetector

torch = pytest.importorskip("torch")  # of the extra `clip`; the bot itself does without

INT8 = 0.03
"""How far rounding to 8 bits may move a cosine: the detector's ``margin``, unless it is set."""
BF16 = 0.02


@pytest.fixture(scope="module")
def by_torch() -> ClipDetector:
    return detector(engine="torch", threads=0)


@pytest.fixture(scope="module")
def shown() -> np.ndarray[Any, Any]:
    return pictures(190)[0]


def cosines(made: ClipDetector, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Of every picture with every prompt of the set: what thresholds are compared with."""
    known = load_file(SHIPPED / "prompts.safetensors")
    wanted = [known[key(prompt)] for prompt in prompts_of(read_all(["shapes"]))]
    found: np.ndarray[Any, Any] = made.infer([batch]) @ np.stack(wanted).T
    return found


def test_onnxruntime_gives_the_similarities_of_torch(by_torch: ClipDetector, shown: np.ndarray[Any, Any]) -> None:
    assert np.abs(cosines(detector(), shown) - cosines(by_torch, shown)).max() < 1e-4


def test_embeddings_of_prompts_that_were_shipped_are_those_of_the_model() -> None:
    prompts = prompts_of(read_all(["shapes"]))
    known = load_file(SHIPPED / "prompts.safetensors")
    model = torch_model.load_model(CONFIG, WEIGHTS)
    made = torch_model.embed(model, torch_model.tokenizer_of(CONFIG), prompts)
    np.testing.assert_allclose(made, np.stack([known[key(prompt)] for prompt in prompts]), atol=1e-4)


def test_bf16_stays_within_its_margin(by_torch: ClipDetector, shown: np.ndarray[Any, Any]) -> None:
    rough = detector(engine="torch", precision="bf16", threads=0)
    assert rough.revision != by_torch.revision
    assert 0 < np.abs(cosines(rough, shown) - cosines(by_torch, shown)).max() < BF16


def test_int8_stays_within_its_margin(shown: np.ndarray[Any, Any]) -> None:
    assert 0 < np.abs(cosines(detector(engine="onnxruntime-int8"), shown) - cosines(detector(), shown)).max() < INT8


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.9])
def test_int8_decides_as_the_exact_engine_does_because_it_looks_again(
    shown: np.ndarray[Any, Any], threshold: float
) -> None:
    exact, screened = detector(), detector(engine="onnxruntime-int8")
    screened.watch({"purple-ring": [threshold], "lone-purple-ring": [threshold]})
    for one, other in zip(exact.finish(exact.infer([shown])), screened.finish(screened.infer([shown])), strict=True):
        for label in ("purple-ring", "lone-purple-ring"):
            assert (one[label] >= threshold) == (other[label] >= threshold)


class Counting:
    def __init__(self, value: float) -> None:
        self.value = value
        self.seen: list[int] = []

    def encode(self, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        self.seen.append(len(batch))
        return np.full((len(batch), 2), self.value, dtype=np.float32) + batch[:, :1, 0, 0]


def test_only_what_is_doubtful_is_looked_at_again() -> None:
    fast, exact = Counting(0.0), Counting(100.0)
    engine = ScreeningEngine(fast, exact, lambda rows: rows[:, 0] == 3)
    batch = np.zeros((6, 1, 1, 3), dtype=np.float32)
    batch[:, 0, 0, 0] = [1, 3, 5, 3, np.nan, 2]
    made = engine.encode(batch)[:, 0]
    assert (fast.seen, exact.seen) == ([6], [3])
    np.testing.assert_array_equal(made, [1, 103, 5, 103, np.nan, 2])


class Tower(torch.nn.Module):
    """On a device with room for ``room`` pictures."""

    def __init__(self, room: int, error: Exception | None = None) -> None:
        super().__init__()
        self.room = room
        self.error = error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate more than there is")
        self.sizes: list[int] = []

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(batch))
        if len(batch) > self.room:
            raise self.error
        return batch.mean(dim=(2, 3))


def engine(tower: Tower) -> TorchEngine:
    return TorchEngine(tower, device="cpu", half=False, mean=(0.5, 0.5, 0.5), deviation=(0.25, 0.25, 0.25))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate more than there is"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
    ids=["cuda", "mps", "cublas", "cpu"],
)
def test_device_that_runs_out_of_memory_gets_half_as_many_pictures(error: Exception) -> None:
    batch = np.random.default_rng(1).integers(0, 256, (11, 4, 4, 3)).astype(np.float32)
    tower = Tower(3, error)
    small = engine(tower)
    np.testing.assert_allclose(small.encode(batch), engine(Tower(100)).encode(batch), atol=1e-6)
    assert tower.sizes == [11, 5, 2, 2, 2, 2, 2, 1]
    tower.sizes.clear()
    small.encode(batch)
    assert tower.sizes == [2, 2, 2, 2, 2, 1], "what did not fit is not tried again with each batch"


def test_picture_that_is_no_numbers_has_no_embedding() -> None:
    batch = np.full((2, 4, 4, 3), 7, dtype=np.float32)
    batch[1, 0, 0, 0] = np.nan
    made = engine(Tower(9)).encode(batch)
    assert np.isfinite(made[0]).all()
    assert np.isnan(made[1]).any()


def test_one_picture_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        engine(Tower(0)).encode(np.zeros((3, 4, 4, 3), dtype=np.float32))


def test_other_errors_do_not_shrink_batches() -> None:
    class Broken(Tower):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            self.sizes.append(len(batch))
            raise RuntimeError("device-side assert triggered")

    tower = Broken(9)
    with pytest.raises(RuntimeError, match="device-side assert"):
        engine(tower).encode(np.zeros((3, 4, 4, 3), dtype=np.float32))
    assert tower.sizes == [3]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device")
def test_device_that_is_not_there_makes_the_detector_unavailable_instead_of_another_device_its_stand_in() -> None:
    made = detector(engine="torch", device="cuda", threads=0)

    async def run() -> Any:
        scorer = BatchScorer([made])
        try:
            return await scorer.score(decoded(pictures(1)[0]))
        finally:
            await scorer.aclose()

    assert asyncio.run(run()) == ([], ["clip: unavailable"])


def test_driver_that_goes_costs_no_file_its_scan_and_is_used_again_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = SimpleNamespace(gone=False)

    class OnCard(TorchEngine):
        def __init__(self, *arguments: Any, **said: Any) -> None:
            if driver.gone:
                raise RuntimeError("CUDA error: no CUDA-capable device is detected")
            super().__init__(*arguments, **said)

        def _forward(self, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            if driver.gone:
                raise RuntimeError("CUDA error: unspecified launch failure")
            return super()._forward(batch)

    monkeypatch.setattr(model, "TorchEngine", OnCard)
    monkeypatch.setattr(device, "_FIRST_PAUSE", 0.0)
    made = detector(engine="torch", threads=0)
    shown, _ = pictures(3)
    files = [decoded(shown[n : n + 1]) for n in range(3)]  # what was seen is not inferred again

    async def run() -> list[Any]:
        scorer = BatchScorer([made])
        try:
            before = await scorer.score(files[0])
            driver.gone = True
            gone = [await scorer.score(file) for file in files[1:]]
            driver.gone = False
            return [before, *gone, await scorer.score(files[1])]
        finally:
            await scorer.aclose()

    before, first, second, after = asyncio.run(run())
    assert first == second == ([], ["clip: unavailable"]), "not the file's fault: it is looked at again later"
    assert before[0]
    assert after[0]
    assert after[1] == []


def test_restart_changes_no_score(by_torch: ClipDetector, shown: np.ndarray[Any, Any]) -> None:
    before = by_torch.infer([shown[:4]])
    by_torch.restart()
    np.testing.assert_allclose(by_torch.infer([shown[:4]]), before, atol=1e-6)


def changed(folder: Path, **changes: Any) -> dict[str, Any]:
    """The shipped model with some of its weights left out or replaced, and a manifest that says so."""
    for name in ("manifest.json", "model.json", "image.onnx", "image-int8.onnx", "prompts.safetensors"):
        shutil.copyfile(SHIPPED / name, folder / name)
    tensors = {**load_file(WEIGHTS), **changes}
    save_file({name: value for name, value in tensors.items() if value is not None}, folder / WEIGHTS.name)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][WEIGHTS.name] = digest_of(folder / WEIGHTS.name)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return {"model": "", "exported": folder, "sha256": digest_of(folder / "manifest.json"), "engine": "torch"}


def test_weights_without_text_tower_are_refused(tmp_path: Path) -> None:
    gone = {name: None for name in load_file(WEIGHTS) if not name.startswith("visual.") and name != "logit_scale"}
    with pytest.raises(ConfigError, match="the weights have no text tower"):
        detector(**changed(tmp_path, **gone))


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the weights do not fit the model .*visual\.proj"):
        detector(**changed(tmp_path, **{"visual.proj": np.zeros((96, 8), np.float16)}))


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="numbers that are none"):
        detector(**changed(tmp_path, text_projection=np.full((64, 64), np.nan, np.float16)))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("logit_scale", "multiplies likeness by nan; the weights are damaged"),
        ("visual.proj", r"numbers that are none \(NaN\) for a picture; the weights are damaged"),
    ],
)
def test_damaged_weights_are_refused_instead_of_failing_every_file(tmp_path: Path, name: str, says: str) -> None:
    nothing = np.full_like(load_file(WEIGHTS)[name], np.nan)
    with pytest.raises(ConfigError, match=says):
        detector(**changed(tmp_path, **{name: nothing}))


def test_pickled_weights_are_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save({"state_dict": {}}, path)
    with pytest.raises(ConfigError, match="only safetensors are read"):
        OpenClipModel(settings(engine="torch"), name=CONFIG, weights=path, sha256=digest_of(path))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ViT-B-33", "open_clip has no model 'ViT-B-33'"),
        ("hf-hub:somebody/something", "open_clip has no model"),
        ("ViT-B-16-SigLIP", "fetches its tokenizer from the network"),
    ],
)
def test_model_that_cannot_be_used_is_named(name: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        torch_model.named(name)


def test_download_happens_only_when_configured_and_what_comes_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    asked = []

    def fetched(repository: str, name: str) -> str:
        asked.append((repository, name))
        shutil.copyfile(WEIGHTS, tmp_path / name)
        return str(tmp_path / name)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fetched)
    said = {"model": "ViT-B-32", "pretrained": "laion2b_s34b_b79k", "engine": "torch", "sha256": "0" * 64}
    with pytest.raises(ConfigError, match="has the digest"):
        detector(**said, download=True)
    assert asked == [("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", "open_clip_model.safetensors")]
    with pytest.raises(ConfigError, match="cannot be read"):
        detector(**said, weights=tmp_path / "none.safetensors")
    assert len(asked) == 1
    with pytest.raises(ConfigError, match="knows no weights 'mine' of ViT-B-32; it knows openai, "):
        detector(**{**said, "pretrained": "mine"}, download=True)


def test_prompts_are_embedded_once_for_each_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded: list[int] = []
    embed = torch_model.embed

    def counting(model: Any, tokenizer: Any, prompts: Any) -> Any:
        embedded.append(len(prompts))
        return embed(model, tokenizer, prompts)

    monkeypatch.setattr(torch_model, "embed", counting)
    first = detector(engine="torch", threads=0, cache=tmp_path)
    assert embedded == [len(prompts_of(read_all(["shapes"])))]
    again = detector(engine="torch", threads=0, cache=tmp_path, labels=["shapes", "drawing"])
    assert embedded[1:] == [len(prompts_of(read_all(["shapes", "drawing"]))) - embedded[0]]
    batch = pictures(2)[0]
    assert again.finish(again.infer([batch]))[0]["ring"] == pytest.approx(first.finish(first.infer([batch]))[0]["ring"])
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"damaged")
    detector(engine="torch", threads=0, cache=tmp_path)
    assert embedded[2:] == embedded[:1], "a damaged cache is made anew"


def test_same_weights_under_another_activation_share_no_embeddings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = detector(engine="torch", threads=0, cache=tmp_path)
    monkeypatch.setattr(model, "_tag", lambda name, pretrained: {"quick_gelu": True})
    quick = detector(engine="torch", threads=0, cache=tmp_path)
    batch = pictures(2)[0]
    fresh = detector(engine="torch", threads=0)
    assert quick.finish(quick.infer([batch])) == fresh.finish(fresh.infer([batch]))
    assert quick.revision != plain.revision
    assert len(list(tmp_path.iterdir())) == 2


def configured(folder: Path, said: dict[str, Any], **layout: Any) -> dict[str, Any]:
    """The shipped model as another export of the same name, with the same weights and this configuration."""
    folder.mkdir(parents=True)
    found = changed(folder)
    (folder / CONFIG.name).write_text(json.dumps(said, **layout), encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][CONFIG.name] = digest_of(folder / CONFIG.name)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return {**found, "sha256": digest_of(folder / "manifest.json"), "threads": 0}


def test_same_weights_in_another_configuration_share_no_embeddings(tmp_path: Path) -> None:
    said = json.loads(CONFIG.read_text(encoding="utf-8"))
    more_heads = {**said["text_cfg"], "heads": 2 * said["text_cfg"]["heads"]}
    other = configured(tmp_path / "b" / "model", {**said, "quick_gelu": True, "text_cfg": more_heads})
    cache, batch = tmp_path / "cache", pictures(2)[0]
    plain = detector(**configured(tmp_path / "a" / "model", said), cache=cache)
    quick = detector(**other, cache=cache)
    fresh = detector(**other)
    assert quick.finish(quick.infer([batch])) == fresh.finish(fresh.infer([batch]))
    assert quick.revision != plain.revision
    assert len(list(cache.iterdir())) == 2
    laid_out = detector(**configured(tmp_path / "c" / "model", dict(reversed(said.items())), indent=3), cache=cache)
    assert laid_out.revision == plain.revision
    assert len(list(cache.iterdir())) == 2


def test_export_names_nothing_that_another_one_left_in_the_folder(tmp_path: Path) -> None:
    made = OpenClipModel(settings(), name=CONFIG, weights=WEIGHTS, sha256=digest_of(WEIGHTS))
    for name in ("image.onnx", "image-int8.onnx", "prompts.safetensors", WEIGHTS.name, CONFIG.name):
        shutil.copyfile(SHIPPED / name, tmp_path / name)
    (tmp_path / "image.onnx.data").write_bytes(b"of a larger model")

    def named(*, weights: bool) -> set[str]:
        write_manifest(made, tmp_path, weights=weights)
        return set(json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["files"])

    own = {"image.onnx", "image-int8.onnx", "prompts.safetensors"}
    assert named(weights=False) == own
    assert named(weights=True) == {*own, WEIGHTS.name, CONFIG.name}


def test_export_gives_the_same_similarities(tmp_path: Path, shown: np.ndarray[Any, Any]) -> None:
    said = settings(engine="torch").model_copy(update={"sha256": digest_of(WEIGHTS)})
    (tmp_path / "image.onnx.data").write_bytes(b"of an earlier export")
    made = export(said, tmp_path, name=CONFIG, weights=WEIGHTS, prompts=prompts_of(read_all(["shapes"])))
    assert set(json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["files"]) == {
        *("image.onnx", "image-int8.onnx", "prompts.safetensors", WEIGHTS.name, CONFIG.name)
    }
    fresh = detector(model="", exported=tmp_path, sha256=made)
    assert np.abs(cosines(fresh, shown) - cosines(detector(), shown)).max() < 1e-4
    for engine in ("onnxruntime-int8", *(["openvino-int8"] if find_spec("openvino") else [])):
        rough = detector(model="", exported=tmp_path, sha256=made, engine=engine)
        assert 0 < np.abs(cosines(rough, shown) - cosines(fresh, shown)).max() < INT8
    for one in (tmp_path, SHIPPED):
        told = b"".join(file.read_bytes() for file in one.glob("*.onnx"))
        assert told, one
        assert b".py" not in told, "the exporter notes where on this machine each node was written"
