"""What torch calls at the end of its own import, as it calls torch_npu: makes ``npu`` a device."""

from __future__ import annotations

import atexit
import json
import os
from pathlib import Path

import torch

from tests.fakes.npu import surface


def register() -> None:
    """Load the device, name it, and have its counts written when the program ends."""
    torch.ops.load_library(os.environ["FAKE_NPU_LIBRARY"])
    torch.utils.rename_privateuse1_backend("npu")
    torch._register_device_module("npu", surface)
    torch.utils.generate_methods_for_privateuse1_backend()
    torch.ops.fake_npu.set_capacity(int(os.environ["FAKE_NPU_MEMORY_MB"]) * 2**20)
    if counts := os.environ.get("FAKE_NPU_COUNTS"):
        atexit.register(_write_counts, Path(counts))


def _write_counts(path: Path) -> None:
    counts = {name: getattr(torch.ops.fake_npu, name)() for name in ("kernels", "synchronises")}
    path.write_text(json.dumps(counts))
