"""Settings of kind ``clip``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.classify.settings import DetectorSettings

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
LabelId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]

SHIPPED_MODEL = "shapes"
"""The model that comes with the program, for demo and tests."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HeadSettings(_Strict):
    """A linear classifier on top of the embedding."""

    file: Path
    sha256: Digest


class SampleSettings(_Strict):
    """Likeness to pictures of the operator's own, as ``fediwarden embed`` wrote them down."""

    label: LabelId
    file: Path


class ClipSettings(DetectorSettings):
    """A CLIP model, its engine, and what it is asked."""

    kind: Literal["clip"] = "clip"
    model: str = Field(default="", description="A name that open_clip knows, or `shapes`.")
    pretrained: str | None = Field(default=None, description="open_clip's tag for the weights.")
    weights: Path | None = Field(default=None, description="A safetensors file.")
    exported: Path | None = Field(default=None, description="A folder that the export wrote.")
    sha256: Digest | None = Field(default=None, description="Of `weights`, or of the manifest in `exported`.")
    download: bool = Field(default=False, description="Fetch missing weights from the Hugging Face hub.")
    engine: Literal["torch", "onnxruntime", "onnxruntime-int8", "openvino", "openvino-int8"] = "torch"
    device: str = Field(default="cpu", pattern=r"^(cpu|mps|cuda(:[0-9]+)?)$", description="torch's name of it.")
    precision: Literal["fp32", "bf16"] = "fp32"
    threads: int = Field(default=0, ge=0, le=64, description="Processor threads; 0: one for each core.")
    batch: int = Field(default=16, ge=1, le=1024, description="Pictures in one inference, at most.")
    # Less than was measured would let 8 bits decide; the same value is no part of the revision.
    margin: float = Field(default=0.03, ge=0.025, le=1, description="int8: how near a threshold is looked at again.")
    labels: tuple[str, ...] = Field(default=(), description="Sets that come with the program, and files.")
    heads: tuple[HeadSettings, ...] = ()
    samples: tuple[SampleSettings, ...] = ()
    cache: Path | None = Field(default=None, description="A folder for the embeddings of prompts.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if bool(self.model) == (self.exported is not None):
            raise ValueError("write either `model` or `exported`")
        if not (self.labels or self.heads or self.samples):
            raise ValueError("write `labels`, `heads` or `samples`: without one of them it would score nothing")
        if self.model == SHIPPED_MODEL:
            if self.weights or self.sha256 or self.download or self.pretrained:
                raise ValueError("the model `shapes` has its own weights: leave out weights, sha256 and download")
        elif self.sha256 is None:
            raise ValueError("write `sha256`: weights are used only if they are those that were meant")
        elif self.exported is not None and (self.weights or self.download or self.pretrained):
            raise ValueError("`exported` has its own weights: leave out weights, pretrained and download")
        elif self.model and self.weights is None and not self.download:
            raise ValueError("write `weights` (a safetensors file), or `download: true`")
        if self.model not in {"", SHIPPED_MODEL} and self.engine != "torch":
            raise ValueError(f"engine {self.engine} runs what was exported: write `exported`, or `engine: torch`")
        if self.engine != "torch" and self.device != "cpu":
            raise ValueError(f"engine {self.engine} runs on the cpu; device is torch's")
        if self.engine.startswith("onnxruntime") and self.precision != "fp32":
            raise ValueError(f"engine {self.engine} has its own precision; `precision` is torch's and openvino's")
        if self.download and self.pretrained is None:
            raise ValueError("write `pretrained`: which weights of the model are meant")
        return self

    def beside(self, base: Path) -> Self:
        """See ``DetectorSettings.beside``."""

        def at(path: Path | None) -> Path | None:
            return None if path is None else base / path

        return (
            super()
            .beside(base)
            .model_copy(
                update={
                    "weights": at(self.weights),
                    "exported": at(self.exported),
                    "cache": at(self.cache),
                    "labels": tuple(str(base / one) if is_file(one) else one for one in self.labels),
                    "heads": tuple(one.model_copy(update={"file": base / one.file}) for one in self.heads),
                    "samples": tuple(one.model_copy(update={"file": base / one.file}) for one in self.samples),
                }
            )
        )


def is_file(labels: str) -> bool:
    """Whether it names a file of the operator's, and not a set that comes with the program."""
    return labels.endswith((".yaml", ".yml"))
