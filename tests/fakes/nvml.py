# ruff: noqa: N802 - NVML's own names
"""A stand-in for NVML: devices as plain values, and a refusal for whatever they do not tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SM, MEMORY = 1, 2


@dataclass(frozen=True, kw_only=True)
class Bytes:
    total: int
    free: int


@dataclass(frozen=True, kw_only=True)
class Running:
    pid: int


class RefusedError(Exception):
    """What every call raises that the device, the driver or the permission does not allow."""


@dataclass(kw_only=True)
class FakeGpu:
    """An H100 as NVML tells it; ``refuses`` names calls that it does not answer."""

    name: str = "NVIDIA H100 80GB HBM3"
    uuid: str = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"
    memory: Bytes = Bytes(total=85_520_809_984, free=85_000_000_000)
    capability: tuple[int, int] = (9, 0)
    clocks: dict[int, int] = field(default_factory=lambda: {SM: 345, MEMORY: 2619})
    max_clocks: dict[int, int] = field(default_factory=lambda: {SM: 1980, MEMORY: 2619})
    application: dict[int, int] = field(default_factory=lambda: {SM: 1980, MEMORY: 2619})
    default_application: dict[int, int] = field(default_factory=lambda: {SM: 1980, MEMORY: 2619})
    power_mw: int = 71_250
    limit_mw: int = 700_000
    default_limit_mw: int = 700_000
    temperature: int = 31
    ecc: Sequence[int] = (1, 1)
    mig: Sequence[int] = (0, 0)
    persistence: int = 1
    pcie: tuple[int, int] = (5, 16)
    processes: Sequence[int] = ()
    reasons: int = 0x1
    slices: Sequence[FakeGpu] = ()
    refuses: frozenset[str] = frozenset()


class FakeNvml:
    """Meets perfgate.profile.nvml.Nvml; counts how often it was opened and closed."""

    NVMLError = RefusedError

    def __init__(self, *gpus: FakeGpu, driver: str | None = "570.124.06") -> None:
        self.gpus = gpus
        self.driver = driver
        self.opened = 0
        self.closed = 0

    def nvmlInit(self) -> None:
        if self.driver is None:
            raise RefusedError("NVML Shared Library Not Found")
        self.opened += 1

    def nvmlShutdown(self) -> None:
        self.closed += 1

    def nvmlSystemGetDriverVersion(self) -> str:
        return str(self.driver)

    def nvmlSystemGetCudaDriverVersion_v2(self) -> int:
        return 12_080

    def nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeGpu:
        if index >= len(self.gpus):
            raise RefusedError("Invalid Argument")
        return self._told("nvmlDeviceGetHandleByIndex", self.gpus[index], self.gpus[index])

    def nvmlDeviceGetName(self, handle: FakeGpu) -> str:
        return self._told("nvmlDeviceGetName", handle, handle.name)

    def nvmlDeviceGetUUID(self, handle: FakeGpu) -> str:
        return self._told("nvmlDeviceGetUUID", handle, handle.uuid)

    def nvmlDeviceGetMemoryInfo(self, handle: FakeGpu) -> Bytes:
        return self._told("nvmlDeviceGetMemoryInfo", handle, handle.memory)

    def nvmlDeviceGetCudaComputeCapability(self, handle: FakeGpu) -> tuple[int, int]:
        return self._told("nvmlDeviceGetCudaComputeCapability", handle, handle.capability)

    def nvmlDeviceGetClockInfo(self, handle: FakeGpu, kind: int) -> int:
        return self._told("nvmlDeviceGetClockInfo", handle, handle.clocks[kind])

    def nvmlDeviceGetMaxClockInfo(self, handle: FakeGpu, kind: int) -> int:
        return self._told("nvmlDeviceGetMaxClockInfo", handle, handle.max_clocks[kind])

    def nvmlDeviceGetApplicationsClock(self, handle: FakeGpu, kind: int) -> int:
        return self._told("nvmlDeviceGetApplicationsClock", handle, handle.application[kind])

    def nvmlDeviceGetDefaultApplicationsClock(self, handle: FakeGpu, kind: int) -> int:
        clock = handle.default_application[kind]
        return self._told("nvmlDeviceGetDefaultApplicationsClock", handle, clock)

    def nvmlDeviceGetPowerManagementLimit(self, handle: FakeGpu) -> int:
        return self._told("nvmlDeviceGetPowerManagementLimit", handle, handle.limit_mw)

    def nvmlDeviceGetPowerManagementDefaultLimit(self, handle: FakeGpu) -> int:
        limit = handle.default_limit_mw
        return self._told("nvmlDeviceGetPowerManagementDefaultLimit", handle, limit)

    def nvmlDeviceGetPowerUsage(self, handle: FakeGpu) -> int:
        return self._told("nvmlDeviceGetPowerUsage", handle, handle.power_mw)

    def nvmlDeviceGetTemperature(self, handle: FakeGpu, sensor: int) -> int:
        return self._told("nvmlDeviceGetTemperature", handle, handle.temperature)

    def nvmlDeviceGetEccMode(self, handle: FakeGpu) -> Sequence[int]:
        return self._told("nvmlDeviceGetEccMode", handle, handle.ecc)

    def nvmlDeviceGetMigMode(self, handle: FakeGpu) -> Sequence[int]:
        return self._told("nvmlDeviceGetMigMode", handle, handle.mig)

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: FakeGpu) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: FakeGpu, index: int) -> FakeGpu:
        if index >= len(handle.slices):
            raise RefusedError("Not Found")
        return handle.slices[index]

    def nvmlDeviceGetPersistenceMode(self, handle: FakeGpu) -> int:
        return self._told("nvmlDeviceGetPersistenceMode", handle, handle.persistence)

    def nvmlDeviceGetCurrPcieLinkGeneration(self, handle: FakeGpu) -> int:
        return self._told("nvmlDeviceGetCurrPcieLinkGeneration", handle, handle.pcie[0])

    def nvmlDeviceGetCurrPcieLinkWidth(self, handle: FakeGpu) -> int:
        return self._told("nvmlDeviceGetCurrPcieLinkWidth", handle, handle.pcie[1])

    def nvmlDeviceGetComputeRunningProcesses(self, handle: FakeGpu) -> Sequence[Running]:
        running = [Running(pid=pid) for pid in handle.processes]
        return self._told("nvmlDeviceGetComputeRunningProcesses", handle, running)

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle: FakeGpu) -> int:
        return self._told("nvmlDeviceGetCurrentClocksEventReasons", handle, handle.reasons)

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: FakeGpu) -> int:
        return self._told("nvmlDeviceGetCurrentClocksThrottleReasons", handle, handle.reasons)

    def _told(self, call: str, gpu: FakeGpu, answer: Any) -> Any:
        if call in gpu.refuses:
            raise RefusedError("Not Supported")
        return answer
