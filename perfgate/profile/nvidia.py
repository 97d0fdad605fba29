"""Asks NVML what NVIDIA devices are and how they fare; imports its library late, judges nothing.

What a device or a driver does not tell stays empty.

Locked clocks. NVML sets locked clocks (``nvidia-smi -lgc``) but has no call that reads them. What
can be known: application clocks that differ from their default (a setting that holds until it is
taken back), and that clocks which fell low on an idle device are not locked. The opposite is only
likely: clocks that stay up on an idle device.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar, TypeVarTuple, cast

from perfgate.errors import DeviceError
from perfgate.profile.nvml import Handle, Nvml
from perfgate.profile.samples import DeviceSample, Throttle

_SM_CLOCK: Final = 1  # NVML_CLOCK_SM
_MEMORY_CLOCK: Final = 2  # NVML_CLOCK_MEM
_GPU_SENSOR: Final = 0  # NVML_TEMPERATURE_GPU
_BYTES_PER_MIB: Final = 2**20

IDLE_BIT: Final = 0x1
THROTTLE_BITS: Final[dict[int, Throttle]] = {
    0x04: "software power cap",
    0x08: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal",
    0x40: "hardware thermal",
    0x80: "power brake",
}
"""nvmlClocksEventReasons, https://docs.nvidia.com/deploy/nvml-api: 0x1 (idle), 0x2 (application
clocks) and 0x100 (display clocks) are settings or nothing to do, not throttling."""

_Answer = TypeVar("_Answer")
_Rest = TypeVarTuple("_Rest")


@dataclass(frozen=True, kw_only=True, slots=True)
class MigSlice:
    """One part of a partitioned device; ``name`` is the device's with the part's size."""

    uuid: str
    name: str
    memory_bytes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuFacts:
    """One device as NVML counts them (by PCI bus); ``None`` and empty are what it does not tell.

    ``application_clocks`` is ``default``, or the SM and the memory clock that were set, in MHz.
    ``idle`` is the driver's own word that nothing runs. ``processes`` are compute processes by the
    host's process ids; in a container without the host's ids NVML may list none.
    """

    index: int
    name: str
    uuid: str
    memory_bytes: int | None = None
    free_bytes: int | None = None
    capability: str = ""
    clock_mhz: int | None = None
    max_clock_mhz: int | None = None
    memory_clock_mhz: int | None = None
    application_clocks: str = ""
    power_limit_w: float | None = None
    default_power_limit_w: float | None = None
    temperature_c: int | None = None
    ecc: str = ""
    mig: str = ""
    persistence: str = ""
    pcie: str = ""
    idle: bool | None = None
    processes: tuple[int, ...] | None = None
    slices: tuple[MigSlice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class NvidiaFacts:
    """Driver and devices; ``problem`` says why nothing could be read."""

    driver: str = ""
    cuda: str = ""
    gpus: tuple[GpuFacts, ...] = ()
    problem: str = ""


@contextlib.contextmanager
def open_nvml(library: Nvml | None = None) -> Iterator[Nvml]:
    """NVML, ready to be asked while the block runs.

    Raises DeviceError where the Python library, the driver's library or the driver is absent.
    """
    nvml = _import_nvml() if library is None else library
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        raise DeviceError(
            f"NVML cannot be used: {error}",
            fix="Install the NVIDIA driver on the host, and give a container the device "
            "(docker run --gpus all, with the NVIDIA container toolkit).",
        ) from error
    try:
        yield nvml
    finally:
        # A driver that dies under us has nothing left to be closed.
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def read_nvidia(library: Nvml | None = None) -> NvidiaFacts:
    """Everything that NVML tells of this machine; a machine without NVIDIA is a ``problem``."""
    try:
        with open_nvml(library) as nvml:
            return _read(nvml)
    except DeviceError as error:
        return NvidiaFacts(problem=error.problem)


def read_sample(nvml: Nvml, index: int) -> DeviceSample:
    """One device now, for a sampler that keeps NVML open; some 10 calls, no allocation on it.

    Raises DeviceError when the device itself is gone (fallen off the bus, index out of range).
    """
    gpu = _Gpu(nvml, index)
    reasons = gpu.reasons() or 0
    memory = gpu.ask(nvml.nvmlDeviceGetMemoryInfo)
    return DeviceSample(
        index=index,
        throttles=frozenset(name for bit, name in THROTTLE_BITS.items() if reasons & bit),
        clock_mhz=gpu.ask(nvml.nvmlDeviceGetClockInfo, _SM_CLOCK),
        memory_clock_mhz=gpu.ask(nvml.nvmlDeviceGetClockInfo, _MEMORY_CLOCK),
        temperature_c=gpu.ask(nvml.nvmlDeviceGetTemperature, _GPU_SENSOR),
        power_w=_watts(gpu.ask(nvml.nvmlDeviceGetPowerUsage)),
        free_memory_mb=None if memory is None else memory.free / _BYTES_PER_MIB,
        processes=gpu.processes() or (),
    )


def _import_nvml() -> Nvml:
    try:
        import pynvml  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError as error:
        raise DeviceError(
            f"the library nvidia-ml-py cannot be imported: {error}",
            fix="Install perfgate with its dependencies: pip install perfgate.",
        ) from error
    return cast("Nvml", pynvml)


def _read(nvml: Nvml) -> NvidiaFacts:
    try:
        driver = nvml.nvmlSystemGetDriverVersion()
        cuda = nvml.nvmlSystemGetCudaDriverVersion_v2()
        count = nvml.nvmlDeviceGetCount()
    except nvml.NVMLError as error:
        return NvidiaFacts(problem=f"NVML does not answer: {error}")
    return NvidiaFacts(
        driver=driver,
        cuda=f"{cuda // 1000}.{cuda % 1000 // 10}",
        gpus=tuple(_read_gpu(nvml, index) for index in range(count)),
    )


def _read_gpu(nvml: Nvml, index: int) -> GpuFacts:
    gpu = _Gpu(nvml, index)
    memory = gpu.ask(nvml.nvmlDeviceGetMemoryInfo)
    capability = gpu.ask(nvml.nvmlDeviceGetCudaComputeCapability)
    reasons = gpu.reasons()
    mig = _mode(gpu.ask(nvml.nvmlDeviceGetMigMode))
    return GpuFacts(
        index=index,
        name=gpu.ask(nvml.nvmlDeviceGetName) or "",
        uuid=gpu.ask(nvml.nvmlDeviceGetUUID) or "",
        memory_bytes=None if memory is None else int(memory.total),
        free_bytes=None if memory is None else int(memory.free),
        capability="{}.{}".format(*capability) if capability else "",
        clock_mhz=gpu.ask(nvml.nvmlDeviceGetClockInfo, _SM_CLOCK),
        max_clock_mhz=gpu.ask(nvml.nvmlDeviceGetMaxClockInfo, _SM_CLOCK),
        memory_clock_mhz=gpu.ask(nvml.nvmlDeviceGetClockInfo, _MEMORY_CLOCK),
        application_clocks=gpu.application_clocks(),
        power_limit_w=_watts(gpu.ask(nvml.nvmlDeviceGetPowerManagementLimit)),
        default_power_limit_w=_watts(gpu.ask(nvml.nvmlDeviceGetPowerManagementDefaultLimit)),
        temperature_c=gpu.ask(nvml.nvmlDeviceGetTemperature, _GPU_SENSOR),
        ecc=_mode(gpu.ask(nvml.nvmlDeviceGetEccMode)),
        mig=mig,
        persistence=_on_off(gpu.ask(nvml.nvmlDeviceGetPersistenceMode)),
        pcie=gpu.pcie(),
        idle=None if reasons is None else bool(reasons & IDLE_BIT),
        processes=gpu.processes(),
        slices=gpu.slices() if mig == "on" else (),
    )


class _Gpu:
    """One device to ask; an answer is None where device or driver do not tell it."""

    def __init__(self, nvml: Nvml, index: int) -> None:
        self._nvml = nvml
        try:
            self._handle = nvml.nvmlDeviceGetHandleByIndex(index)
        except nvml.NVMLError as error:
            raise DeviceError(
                f"the NVIDIA device {index} does not answer: {error}",
                fix="See what `nvidia-smi` says; a device that fell off the bus needs a reboot.",
            ) from error

    def ask(self, question: Callable[[Handle, *_Rest], _Answer], *rest: *_Rest) -> _Answer | None:
        return self._ask_of(self._handle, question, *rest)

    def reasons(self) -> int | None:
        """The bits that say why clocks are low; drivers before 535 know them by their old name."""
        reasons = self.ask(self._nvml.nvmlDeviceGetCurrentClocksEventReasons)
        if reasons is None:
            reasons = self.ask(self._nvml.nvmlDeviceGetCurrentClocksThrottleReasons)
        return reasons

    def processes(self) -> tuple[int, ...] | None:
        found = self.ask(self._nvml.nvmlDeviceGetComputeRunningProcesses)
        return None if found is None else tuple(sorted({int(process.pid) for process in found}))

    def application_clocks(self) -> str:
        kinds = (_SM_CLOCK, _MEMORY_CLOCK)
        now = [self.ask(self._nvml.nvmlDeviceGetApplicationsClock, kind) for kind in kinds]
        usual = [self.ask(self._nvml.nvmlDeviceGetDefaultApplicationsClock, kind) for kind in kinds]
        if None in now or None in usual:
            return ""
        return "default" if now == usual else f"{now[0]}/{now[1]} MHz"

    def pcie(self) -> str:
        generation = self.ask(self._nvml.nvmlDeviceGetCurrPcieLinkGeneration)
        width = self.ask(self._nvml.nvmlDeviceGetCurrPcieLinkWidth)
        return f"gen {generation} x{width}" if generation and width else ""

    def slices(self) -> tuple[MigSlice, ...]:
        """The parts that exist; most of the possible numbers have none."""
        found = []
        for number in range(self.ask(self._nvml.nvmlDeviceGetMaxMigDeviceCount) or 0):
            part = self.ask(self._nvml.nvmlDeviceGetMigDeviceHandleByIndex, number)
            if part is None:
                continue
            memory = self._ask_of(part, self._nvml.nvmlDeviceGetMemoryInfo)
            found.append(
                MigSlice(
                    uuid=self._ask_of(part, self._nvml.nvmlDeviceGetUUID) or "",
                    name=self._ask_of(part, self._nvml.nvmlDeviceGetName) or "",
                    memory_bytes=None if memory is None else int(memory.total),
                )
            )
        return tuple(found)

    def _ask_of(
        self,
        handle: Handle,
        question: Callable[[Handle, *_Rest], _Answer],
        *rest: *_Rest,
    ) -> _Answer | None:
        try:
            return question(handle, *rest)
        except self._nvml.NVMLError:
            return None


def _mode(current_and_pending: Sequence[int] | None) -> str:
    return "" if current_and_pending is None else _on_off(current_and_pending[0])


def _on_off(flag: int | None) -> str:
    return "" if flag is None else "on" if flag else "off"


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else milliwatts / 1000
