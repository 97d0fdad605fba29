"""Finds a model, in the tree or on the hub, and loads its pipeline on the device."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import DiffusionPipeline
from diffusers.utils.logging import disable_progress_bar

from perfgate.profile.devices.device import Device
from perfgate.profile.devices.out_of_memory import out_of_memory
from perfgate.workloads.pipelines.failing import MEMORY, OTHER, LaunchError, one_line
from perfgate.workloads.pipelines.options import Options

_ON_THE_HUB = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[\w.-]+)?")
_YES = {"1", "ON", "YES", "TRUE"}
"""What huggingface_hub takes for yes in HF_HUB_OFFLINE."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Where a model's files are; ``revision`` is the hub's commit, empty for a folder."""

    folder: Path
    revision: str = ""


def find_model(model: str, options: Options, environ: Mapping[str, str] = os.environ) -> Found:
    """The folder ``model``, below the working directory, or the hub's files of that name.

    Downloads what is not in the cache yet, unless HF_HUB_OFFLINE forbids it. Raises LaunchError.
    """
    if Path(model).is_dir():
        return Found(folder=Path(model))
    if not _ON_THE_HUB.fullmatch(model):
        raise LaunchError(OTHER, f"there is no folder {model} in {Path.cwd()}")
    try:
        folder = Path(
            DiffusionPipeline.download(model, revision=options.revision, variant=options.variant)
        )
    except Exception as error:  # whatever the hub's client and the file system may raise
        offline = environ.get("HF_HUB_OFFLINE", "").upper() in _YES
        why = "HF_HUB_OFFLINE is set and it is not in the cache" if offline else one_line(error)
        raise LaunchError(
            OTHER, f"there is no folder {model} in {Path.cwd()}, nor such a model on the hub: {why}"
        ) from error
    return Found(folder=folder, revision=folder.name if folder.parent.name == "snapshots" else "")


def load_pipeline(found: Found, options: Options, device: Device) -> Any:  # noqa: ANN401
    """The pipeline, on the device or offloaded from it, in the types that were asked for.

    Raises LaunchError where it cannot be loaded or does not fit.
    """
    disable_progress_bar()
    from_pretrained: Callable[..., Any] = DiffusionPipeline.from_pretrained
    try:
        pipeline: Any = from_pretrained(
            str(found.folder),
            variant=options.variant,
            local_files_only=True,
            **_dtypes(options, device),
        )
        _place(pipeline, options, device)
        device.synchronise()
    except Exception as error:  # model_index.json can name any class, which may raise anything
        kind = OTHER if out_of_memory(error) is None else MEMORY
        where = f"{found.folder} cannot be loaded on {device.torch_device}"
        raise LaunchError(kind, f"{where}: {type(error).__name__}: {one_line(error)}") from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _dtypes(options: Options, device: Device) -> dict[str, Any]:
    """The argument with the type of each component: what was asked for, else the fastest.

    On a CPU that is diffusers' own, fp32, so that a case is the same work on each.
    """
    usual = {} if device.kind == "cpu" else {"default": device.capability().fast_dtype}
    asked = usual | dict(options.dtypes)
    # Its name before diffusers 1.0; a name that it does not know would only be warned of.
    name = "torch_dtype" if diffusers.__version__.startswith("0.") else "dtype"
    types = {component: getattr(torch, dtype) for component, dtype in asked.items()}
    return {name: types} if types else {}


def _place(pipeline: Any, options: Options, device: Device) -> None:  # noqa: ANN401
    if options.offload == "model":
        pipeline.enable_model_cpu_offload(device=device.torch_device)
    elif options.offload == "sequential":
        pipeline.enable_sequential_cpu_offload(device=device.torch_device)
    else:
        pipeline.to(device.torch_device)
