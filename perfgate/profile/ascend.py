"""Reads what Ascend devices are and how they fare, from npu-smi and version files. Judges nothing.

npu-smi answers in a table for people whose columns differ by version and by chip (with or without
HBM, one or two chips a card). Each field is read by the table's own headings; what is not
understood stays empty and is handed on in :attr:`AscendFacts.unread`, never guessed.

Not run on Ascend hardware: written against tables of npu-smi 23.0 to 26.0 (310, 310P, 910B, A3)
as they stand in public reports.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from perfgate.errors import DeviceError
from perfgate.profile.host import text_of
from perfgate.profile.samples import DeviceSample

_TIMEOUT_S: Final = 30.0
_MAX_TABLE_CHARS: Final = 200_000
_MAX_UNREAD: Final = 5
_MAX_UNREAD_CHARS: Final = 120

_ASCEND: Final = "usr/local/Ascend"
_TOOLKITS: Final = (f"{_ASCEND}/ascend-toolkit/latest", f"{_ASCEND}/cann", f"{_ASCEND}/latest")
_TOOLKIT_VARIABLES: Final = ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME")
_VERSION_FILES: Final = (
    "*-linux/ascend_toolkit_install.info",
    "*-linux/ascend_nnrt_install.info",
    "compiler/version.info",
    "runtime/version.info",
)
_VERSION_LINE: Final = re.compile(r"^version\s*=\s*\[?([\w.+-]{1,60})", re.IGNORECASE | re.M)

_CARD: Final = re.compile(r"(\d{1,4})\s+([A-Za-z0-9][\w.-]{0,40})")
_HEALTH: Final = re.compile(r"[A-Za-z]{1,20}")
_CHIP: Final = re.compile(r"(\d{1,4})(?:\s+\d{1,4})?")
_USAGE: Final = re.compile(r"(\d{1,9})\s*/\s*(\d{1,9})")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class NpuFacts:
    """One chip; ``index`` is its place in the table, by which a process in here names it.

    ``card`` and ``chip`` are the host's numbers. Memory is HBM, or what the chip has instead of it.
    """

    index: int
    card: int
    chip: int
    name: str
    health: str
    power_w: float | None = None
    temperature_c: float | None = None
    memory_mb: int | None = None
    used_mb: int | None = None
    processes: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AscendFacts:
    """Driver, CANN and devices; ``problem`` says why no device could be read."""

    driver: str = ""
    cann: str = ""
    npus: tuple[NpuFacts, ...] = ()
    unread: tuple[str, ...] = ()
    problem: str = ""


def ask_npu_smi(command: Sequence[str] = ("npu-smi", "info")) -> str:
    """The table as npu-smi prints it; raises DeviceError where it cannot be had."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise DeviceError(
            "there is no npu-smi here",
            fix="Install the Ascend driver; into a container mount /usr/local/bin/npu-smi and "
            "/usr/local/Ascend/driver, and give it /dev/davinci_manager, /dev/devmm_svm and "
            "/dev/hisi_hdc.",
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceError(
            f"npu-smi did not answer: {type(error).__name__}",
            fix="Run `npu-smi info` by hand; a driver that hangs needs its host restarted.",
        ) from error
    text = done.stdout.decode("utf-8", errors="replace")
    if done.returncode != 0:
        said = " ".join((done.stderr.decode("utf-8", errors="replace") or text).split())
        raise DeviceError(
            f"npu-smi ended with {done.returncode}: {said[:_MAX_UNREAD_CHARS]}",
            fix="Run `npu-smi info` by hand; in a container see that it has the device files.",
        )
    return text


def read_ascend(
    environ: Mapping[str, str],
    *,
    root: Path = Path("/"),
    ask: Callable[[], str] = ask_npu_smi,
) -> AscendFacts:
    """Everything that this machine tells of Ascend; a machine without is a ``problem``."""
    versions = AscendFacts(driver=driver_version(root), cann=cann_version(environ, root))
    try:
        npus, unread = parse_npu_smi(ask())
    except DeviceError as error:
        return replace(versions, problem=error.problem)
    problem = "" if npus else "npu-smi answered without a table of devices that perfgate reads"
    return replace(versions, npus=npus, unread=unread, problem=problem)


def read_samples(*, ask: Callable[[], str] = ask_npu_smi) -> tuple[DeviceSample, ...]:
    """Every device now. The table tells neither clocks nor why they are low.

    Raises DeviceError where npu-smi does not answer.
    """
    npus, _ = parse_npu_smi(ask())
    return tuple(
        DeviceSample(
            index=npu.index,
            temperature_c=npu.temperature_c,
            power_w=npu.power_w,
            free_memory_mb=_free_mb(npu),
            processes=npu.processes,
        )
        for npu in npus
    )


def _free_mb(npu: NpuFacts) -> float | None:
    if npu.memory_mb is None or npu.used_mb is None:
        return None
    return float(npu.memory_mb - npu.used_mb)


def driver_version(root: Path = Path("/")) -> str:
    """The driver's version, from the file that it installs; empty where there is none."""
    return _version(root / _ASCEND / "driver/version.info")


def cann_version(environ: Mapping[str, str], root: Path = Path("/")) -> str:
    """CANN's version: of the toolkit that the environment names, else of the installed one."""
    named = [environ[name].lstrip("/") for name in _TOOLKIT_VARIABLES if environ.get(name)]
    for folder in (*named, *_TOOLKITS):
        for pattern in _VERSION_FILES:
            for path in sorted((root / folder).glob(pattern)):
                if found := _version(path):
                    return found
    return ""


def _version(path: Path) -> str:
    match = _VERSION_LINE.search(text_of(path))
    return match[1] if match else ""


def parse_npu_smi(text: str) -> tuple[tuple[NpuFacts, ...], tuple[str, ...]]:
    """The devices of ``npu-smi info``, and the rows that could not be read."""
    table = _Table()
    for line in text[:_MAX_TABLE_CHARS].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.lstrip().startswith("|"):
            table.row(cells)
    return table.finished()


@dataclass(kw_only=True)
class _Table:
    """Reads row by row: each device has two, one for the card and one for the chip."""

    _section: str = ""
    _card: NpuFacts | None = None
    _npus: list[NpuFacts] = field(default_factory=list)
    _processes: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    _unread: list[str] = field(default_factory=list)

    def row(self, cells: list[str]) -> None:
        if cells[0].startswith("NPU"):
            self._section = _section(cells)
        elif self._section == "devices" and not cells[0].startswith("Chip"):
            self._device(cells)
        elif self._section == "processes" and not cells[0].startswith("No running"):
            self._process(cells)

    def _device(self, cells: list[str]) -> None:
        if self._card is None:
            self._card = _card(cells)
            if self._card is None:
                self._not_read(cells)
            return
        npu = _chip(self._card, cells, index=len(self._npus))
        self._card = None
        if npu is None:
            self._not_read(cells)
        else:
            self._npus.append(npu)

    def _process(self, cells: list[str]) -> None:
        place = re.fullmatch(r"(\d{1,4})\s+(\d{1,4})", cells[0])
        if place is None or len(cells) < 2 or not re.fullmatch(r"\d{1,10}", cells[1]):
            self._not_read(cells)
            return
        self._processes.setdefault((int(place[1]), int(place[2])), []).append(int(cells[1]))

    def _not_read(self, cells: list[str]) -> None:
        if len(self._unread) < _MAX_UNREAD:
            self._unread.append(" | ".join(cells)[:_MAX_UNREAD_CHARS])

    def finished(self) -> tuple[tuple[NpuFacts, ...], tuple[str, ...]]:
        npus = tuple(
            replace(
                npu, processes=tuple(sorted(set(self._processes.get((npu.card, npu.chip), ()))))
            )
            for npu in self._npus
        )
        return npus, tuple(self._unread)


def _section(headings: list[str]) -> str:
    told = " ".join(headings)
    if "Process id" in told:
        return "processes"
    return "devices" if "Name" in told and "Health" in told else ""


def _card(cells: list[str]) -> NpuFacts | None:
    """``0  910B3 | OK | 93.6  35  0 / 0``: number and name, health, power and temperature."""
    if len(cells) != 3:
        return None
    card, health = _CARD.fullmatch(cells[0]), _HEALTH.fullmatch(cells[1])
    told = cells[2].split()
    if card is None or health is None or len(told) < 2:
        return None
    return NpuFacts(
        index=0,
        card=int(card[1]),
        chip=0,
        name=card[2],
        health=health[0],
        power_w=_number(told[0]),
        temperature_c=_number(told[1]),
    )


def _chip(card: NpuFacts, cells: list[str], *, index: int) -> NpuFacts | None:
    """``0  [id] | 0000:C1:00.0 | 0  0 / 0  3162 / 65536``; the last usage is the widest memory."""
    chip = _CHIP.fullmatch(cells[0]) if len(cells) == 3 else None
    if chip is None:
        return None
    usages = _USAGE.findall(cells[2])
    used, total = usages[-1] if usages else (None, None)
    return replace(
        card,
        index=index,
        chip=int(chip[1]),
        used_mb=None if used is None else int(used),
        memory_mb=None if total is None else int(total),
    )


def _number(text: str) -> float | None:
    """``-`` and ``NA`` stand where a chip does not tell."""
    return float(text) if _NUMBER.fullmatch(text) else None
