"""Where a CLIP model comes from: open_clip with a file of weights, or a folder that was exported."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.classify.clip import torch_model
from bot.classify.clip.engines import OnnxEngine, ScreeningEngine, TorchEngine
from bot.classify.clip.openvino_engine import OpenVinoEngine, openvino
from bot.classify.clip.settings import SHIPPED_MODEL, Digest
from bot.classify.clip.weights import arrays, check, read
from bot.domain.errors import ConfigError
from bot.ports import VIEWS, ViewSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.classify.clip.engines import Engine
    from bot.classify.clip.settings import ClipSettings

Rows = np.ndarray[Any, Any]
Triple = tuple[float, float, float]

SHIPPED: Final = Path(__file__).parent / SHIPPED_MODEL
SHIPPED_SHA256: Final = "b377723987b01acb4c3b76b113c84f4f0e33febdb05a482f91a207dcbc3c9b0f"
"""Of ``shapes/manifest.json``, which names the digests of everything else beside it."""

MANIFEST: Final = "manifest.json"
IMAGE, IMAGE_INT8, PROMPTS = "image.onnx", "image-int8.onnx", "prompts.safetensors"
WEIGHTS, CONFIG = "weights.safetensors", "model.json"

LARGEST_SCALE: Final = 1000
"""By which a model multiplies cosines: training keeps it to 100, https://arxiv.org/abs/2103.00020, section 2.5."""


class Preprocessing(BaseModel):
    """What pictures have to be made into, before the image tower sees them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    side: Annotated[int, Field(ge=8, le=2048)]
    fit: Literal["shortest", "squash"]
    resample: Literal["bicubic", "bilinear"]
    mean: Triple
    deviation: Triple

    @property
    def view(self) -> ViewSpec:
        """As the decode workers make it; mean and deviation are the engine's."""
        return ViewSpec(
            resize=self.side, crop=self.side, channels="RGB", fit=self.fit, resample=self.resample, dtype="uint8"
        )


class Manifest(BaseModel):
    """What is in an exported folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = Field(alias="schema")
    model: str
    pretrained: str = ""
    weights: Digest  # of the weights that it was exported from
    preprocessing: Preprocessing
    scale: Annotated[float, Field(gt=0, le=LARGEST_SCALE)]
    dim: Annotated[int, Field(ge=1)]
    files: dict[str, Digest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which model, with which weights."""

    model: str
    pretrained: str
    weights: str  # SHA-256
    configuration: str = ""  # a digest of what it is made of, where that is not known by the name


class Model(Protocol):
    """A CLIP model that is not running yet."""

    identity: Identity
    preprocessing: Preprocessing
    scale: float  # by which the model multiplies cosines
    dim: int
    known: Mapping[str, Rows]  # embeddings of prompts that come with it
    exported: Mapping[str, str]  # file to digest, of what was made from the weights and is used instead of them

    @property
    def tower(self) -> str:
        """A digest of everything that embeddings of prompts depend on, for a file that keeps them."""
        ...

    def embed(self, prompts: Sequence[str]) -> Rows:
        """``(prompts, dim) float32`` of length 1. Raises ``ConfigError`` where the text tower cannot be run."""
        ...

    def start(self, doubtful: Callable[[Rows], Rows]) -> Engine:
        """Load the image tower onto its device. Raises what the device raises, and ``ConfigError``."""
        ...


class OpenClipModel:
    """A model of open_clip, by its name or configuration, with weights in a safetensors file."""

    def __init__(self, settings: ClipSettings, *, name: str | Path, weights: Path, sha256: str) -> None:
        """Raises ``ConfigError`` for other weights than the pinned ones, and for weights that do not fit."""
        self._settings = settings
        self._name = name
        self._weights = weights
        self._sha256 = sha256
        tag = _tag(name, settings.pretrained)
        self.quick_gelu = bool(tag.get("quick_gelu"))
        self._loaded: Any = self._load()
        self.identity = Identity(
            model=name if isinstance(name, str) else name.parent.name,
            pretrained=settings.pretrained or "",
            weights=sha256,
            configuration=_configuration(name),
        )
        self.preprocessing = _preprocessing(self._loaded, tag)
        self.scale = self._scale()
        self.known: Mapping[str, Rows] = {}
        self.exported: Mapping[str, str] = {}
        self.dim = self._dim()

    @property
    def tower(self) -> str:
        """See ``Model``: the same weights under another activation are another model."""
        return digest([json.dumps(asdict(self.identity), sort_keys=True), f"quick_gelu {self.quick_gelu}"])

    def embed(self, prompts: Sequence[str]) -> Rows:
        """See ``Model``."""
        if self._loaded is None:
            self._loaded = self._load()
        return torch_model.embed(self._loaded, torch_model.tokenizer_of(self._name), prompts)

    def start(self, doubtful: Callable[[Rows], Rows]) -> Engine:  # noqa: ARG002 - nothing is rounded here
        """See ``Model``."""
        model, self._loaded = self._loaded or self._load(), None
        if self._settings.threads:
            import torch

            torch.set_num_threads(self._settings.threads)
        return TorchEngine(
            torch_model.image_tower(model),
            device=self._settings.device,
            half=self._settings.precision == "bf16",
            mean=self.preprocessing.mean,
            deviation=self.preprocessing.deviation,
        )

    def _load(self) -> Any:
        check(self._weights, self._sha256)
        return torch_model.load_model(self._name, self._weights, quick_gelu=self.quick_gelu)

    def _dim(self) -> int:
        import torch

        side = self.preprocessing.side
        with torch.inference_mode():
            row = self._loaded.encode_image(torch.zeros(1, 3, side, side))
        if not torch.isfinite(row).all():
            raise ConfigError(
                f"{self._weights}: gives numbers that are none (NaN) for a picture; the weights are damaged"
            )
        return int(row.shape[-1])

    def _scale(self) -> float:
        scale = float(self._loaded.logit_scale.detach().exp())
        # With any other it would fail on every file, and each would be blamed for it.
        if not 0 < scale <= LARGEST_SCALE:
            raise ConfigError(f"{self._weights}: multiplies likeness by {scale:g}; the weights are damaged")
        return scale


class ExportedModel:
    """A folder with an image tower in ONNX, and the embeddings of prompts: it runs without torch."""

    def __init__(self, settings: ClipSettings, *, folder: Path, sha256: str) -> None:
        """Raises ``ConfigError`` for a file that is missing or not the one that was exported.

        The manifest is pinned, so that its digests are. Each file is held against its own when it is used: of what is
        never opened here, such as weights for torch of a gigabyte and more, nothing has to be read.
        """
        self._settings = settings
        self._folder = folder
        self._manifest = _manifest(folder, sha256)
        if settings.engine.startswith("openvino"):
            openvino()
        said = self._manifest
        self.identity = Identity(model=said.model, pretrained=said.pretrained, weights=said.weights)
        self.preprocessing = said.preprocessing
        self.scale = said.scale
        self.dim = said.dim
        self.exported: Mapping[str, str] = {
            name: digest for name, digest in said.files.items() if name not in {WEIGHTS, CONFIG}
        }
        prompts = folder / PROMPTS
        self.known: Mapping[str, Rows] = (
            arrays(read(prompts, said.files[PROMPTS]), prompts) if PROMPTS in said.files else {}
        )

    @property
    def tower(self) -> str:
        """See ``Model``: what was exported says nothing of the activation, so nobody else's are taken."""
        return digest(["exported", json.dumps(dict(self.exported), sort_keys=True)])

    def embed(self, prompts: Sequence[str]) -> Rows:
        """See ``Model``."""
        raise ConfigError(
            f"{self._folder}: has no embeddings of {len(prompts)} prompt(s), such as {prompts[0]!r}; export it again "
            "with these labels"
        )

    def start(self, doubtful: Callable[[Rows], Rows]) -> Engine:
        """See ``Model``."""
        match self._settings.engine:
            case "onnxruntime-int8":
                return ScreeningEngine(self._open(OnnxEngine, IMAGE_INT8), self._open(OnnxEngine, IMAGE), doubtful)
            case "openvino":
                return self._open(OpenVinoEngine, IMAGE, precision=self._settings.precision)
            case "openvino-int8":
                exact = self._open(OpenVinoEngine, IMAGE, precision=self._settings.precision)
                return ScreeningEngine(self._open(OpenVinoEngine, IMAGE, precision="int8"), exact, doubtful)
            case _:
                return self._open(OnnxEngine, IMAGE)

    def _open(self, engine: type[OnnxEngine | OpenVinoEngine], name: str, **said: Any) -> Engine:
        if name not in self._manifest.files:
            raise ConfigError(f"{self._folder}: has no {name}; export it again")
        return engine(
            self._folder / name,
            self._manifest.files,
            threads=self._settings.threads,
            mean=self.preprocessing.mean,
            deviation=self.preprocessing.deviation,
            **said,
        )


def open_model(settings: ClipSettings) -> Model:
    """What the settings name. Raises ``ConfigError``."""
    if settings.model == SHIPPED_MODEL or settings.exported is not None:
        folder = settings.exported or SHIPPED
        sha256 = settings.sha256 or SHIPPED_SHA256
        if settings.engine != "torch":
            return ExportedModel(settings, folder=folder, sha256=sha256)
        files = _manifest(folder, sha256).files
        if WEIGHTS not in files or CONFIG not in files:
            raise ConfigError(f"{folder}: was exported without its weights: use `engine: onnxruntime`")
        check(folder / CONFIG, files[CONFIG])
        return OpenClipModel(settings, name=folder / CONFIG, weights=folder / WEIGHTS, sha256=files[WEIGHTS])
    torch_model.named(settings.model)
    if settings.sha256 is None:
        raise ConfigError("detectors: `sha256` is missing")
    weights = settings.weights or _download(settings)
    return OpenClipModel(settings, name=settings.model, weights=weights, sha256=settings.sha256)


def _manifest(folder: Path, sha256: str) -> Manifest:
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(read(path, sha256))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise ConfigError(f"{path}: {place}: {problem['msg']}; export it again") from error


def _configuration(name: str | Path) -> str:
    """The same for a file however it is laid out; empty for a name of open_clip's."""
    if not isinstance(name, Path):
        return ""
    return digest([json.dumps(json.loads(name.read_text(encoding="utf-8")), sort_keys=True)])


def _tag(name: str | Path, pretrained: str | None) -> Mapping[str, Any]:
    """What open_clip says of published weights. Raises ``ConfigError`` for a tag that it does not know."""
    if pretrained is None or isinstance(name, Path):
        return {}
    package = torch_model.open_clip()
    found: Mapping[str, Any] = package.get_pretrained_cfg(name, pretrained)
    if not found:
        known = ", ".join(package.list_pretrained_tags_by_model(name)) or "none"
        raise ConfigError(f"open_clip knows no weights {pretrained!r} of {name}; it knows {known}")
    return found


def _preprocessing(model: Any, tag: Mapping[str, Any]) -> Preprocessing:
    said = {**model.visual.preprocess_cfg, **{key: tag[key] for key in ("mean", "std") if tag.get(key)}}
    said |= {key: tag[key] for key in ("interpolation", "resize_mode") if tag.get(key)}
    size = said["size"]
    side, other = (size, size) if isinstance(size, int) else size
    if side != other:
        raise ConfigError(f"the model looks at pictures of {side} x {other} pixels; only square ones can be made")
    try:
        return Preprocessing(
            side=side, fit=said["resize_mode"], resample=said["interpolation"], mean=said["mean"], deviation=said["std"]
        )
    except ValidationError as error:
        raise ConfigError(
            f"the model's way to prepare pictures is not known here: {error.errors()[0]['msg']}"
        ) from error


def _download(settings: ClipSettings) -> Path:
    """The published weights, from the hub, into its own cache. Raises ``ConfigError``."""
    tag = _tag(settings.model, settings.pretrained)
    repository = str(tag.get("hf_hub") or "").strip("/")
    if not repository:
        raise ConfigError(
            f"open_clip names no hub for the weights {settings.pretrained!r}; fetch them and set `weights`"
        )
    torch_model.open_clip()
    import huggingface_hub

    try:
        return Path(huggingface_hub.hf_hub_download(repository, "open_clip_model.safetensors"))
    except Exception as error:
        raise ConfigError(f"{repository}: open_clip_model.safetensors cannot be fetched: {error}") from error


def described(model: Model, settings: ClipSettings) -> list[str]:
    """What of it changes scores."""
    return [
        json.dumps(asdict(model.identity), sort_keys=True),
        f"{model.preprocessing.model_dump_json()} views {VIEWS}",
        json.dumps([model.scale, dict(model.exported), model.tower], sort_keys=True),
        f"{settings.engine} {settings.precision} {settings.device.partition(':')[0]}",
    ]


def digest(parts: Sequence[str]) -> str:
    """The start of a SHA-256 over all of them."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
