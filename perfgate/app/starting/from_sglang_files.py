"""Which files of a repository are sglang's own of its diffusion tests, and of which machines."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from perfgate.app.starting.from_sglang_cases import KIND

_PLATFORM: Final = re.compile(r"perf_baselines_?(?P<of>.*)\.json")
_KEYS: Final = {
    "": "nvidia-h100-*",
    "h100": "nvidia-h100-*",
    "b200": "nvidia-b200-*",
    "5090": "nvidia-geforce-rtx-5090-*",
    "npu": "ascend-*",
}
"""Hardware keys by sglang's name of the platform, the only one of older releases having none."""
_OTHERS: Final = re.compile(r"musa|xpu|amd|gfx|hip|rocm|mps|tpu")
_NAME_OF_A_GPU: Final = re.compile(r"[a-z0-9]{2,20}")
_RUNNERS: Final = {
    "h100": "{devices}-gpu-h100",
    "5090": "{devices}-gpu-5090",
}
MOST_BYTES: Final = 2_000_000
_NPU_RUNNERS: Final = {1: "linux-aarch64-a3-2", 2: "linux-aarch64-a3-16"}


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A baseline file: ``name`` is sglang's of the machine, ``keys`` the hardware keys or empty."""

    path: str
    name: str
    keys: str

    def runner(self, devices: int) -> str:
        """The label of sglang's own runners of this kind; empty where it is not known."""
        if self.name == "npu":
            return _NPU_RUNNERS.get(devices, "")
        return _RUNNERS.get(self.name, "").format(devices=devices)


@dataclass(frozen=True, kw_only=True)
class SglangFiles:
    """Paths below the repository; ``tests`` are Python files that tell of test cases."""

    platforms: tuple[Platform, ...]
    comparisons: tuple[str, ...]
    tests: tuple[str, ...]


def find(root: Path, paths: Iterable[str]) -> SglangFiles:
    """sglang's files among ``paths``; of Python files those beside the baselines are opened."""
    listed = sorted(paths)
    platforms = sorted(filter(None, map(_platform, listed)), key=_order)
    beside = {_server_folder(PurePosixPath(one.path)) for one in platforms}
    return SglangFiles(
        platforms=tuple(platforms),
        comparisons=tuple(
            path
            for path in listed
            if re.fullmatch(r"comparison_configs.*\.json", PurePosixPath(path).name)
        ),
        tests=tuple(
            path
            for path in listed
            if path.endswith(".py")
            and beside.intersection(PurePosixPath(path).parents)
            and _tells_of_cases(root, path)
        ),
    )


def _platform(path: str) -> Platform | None:
    file = PurePosixPath(path)
    match = _PLATFORM.fullmatch(file.name)
    if match is not None:
        name = match["of"]
    elif file.parent.name == "perf_baselines" and file.suffix == ".json":
        name = file.stem
    else:
        return None
    return Platform(path=path, name=name.lower(), keys=_keys(name.lower()))


def _keys(name: str) -> str:
    if name in _KEYS:
        return _KEYS[name]
    if _OTHERS.search(name) or not _NAME_OF_A_GPU.fullmatch(name):
        return ""
    return f"nvidia-*{name}*"


def _order(platform: Platform) -> tuple[int, str]:
    known = [*_KEYS]
    return (known.index(platform.name) if platform.name in known else len(known), platform.path)


def _server_folder(file: PurePosixPath) -> PurePosixPath:
    return file.parent.parent if file.parent.name == "perf_baselines" else file.parent


def _tells_of_cases(root: Path, path: str) -> bool:
    try:
        return KIND.encode() in read_bytes(root, path)
    except OSError:
        return False


def read_bytes(root: Path, path: str) -> bytes:
    """A file of the repository, or its first part where it is larger than one of sglang's.

    Raises OSError where it cannot be read, is no plain file, or leads out of the repository.
    """
    place = (root / path).resolve()
    if not place.is_file() or not place.is_relative_to(root.resolve()):
        raise OSError(errno.EINVAL, "it is no file of the repository")
    with place.open("rb") as stream:
        return stream.read(MOST_BYTES + 1)
