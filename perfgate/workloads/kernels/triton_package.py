"""Whether the Triton of a device is installed. Imports none."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec

from perfgate.workloads.kernels.kernel import NotAvailable

_PACKAGES = {"cuda": "triton", "npu": "triton-ascend"}


def require_triton(device: str) -> str:
    """The kind of a device, by torch's name of it. Raises NotAvailable unless Triton is there."""
    kind = device.split(":", maxsplit=1)[0]
    package = _PACKAGES.get(kind)
    if package is None:
        raise NotAvailable(f"runs on CUDA and NPUs, not on {kind}")
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        raise NotAvailable(f"{package} is not installed") from None
    if find_spec("triton") is None:
        raise NotAvailable(f"{package} is installed and has no module triton")
    return kind
