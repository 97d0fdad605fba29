"""Which devices a job may use, and how it measures on them: leased, alone, watched."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from perfgate.app.measuring.devices import Choice, Devices, find_devices, parse_choice
from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.launcher import SideLauncher
from perfgate.app.measuring.machine import Held, Machine
from perfgate.app.measuring.rig import Rig
from perfgate.errors import ConfigurationError, DeviceError
from perfgate.github.event import read_event
from perfgate.process import Finished
from perfgate.profile.fitness import Process
from perfgate.profile.lease import Leases, Note
from perfgate.profile.samples import DeviceSample, HostSample
from perfgate.records import Launch, Side, Tree
from perfgate.sides.checkout import Checkout
from perfgate.suite import Case
from tests.factories import a_fingerprint
from tests.fakes.nvml import FakeGpu, FakeNvml

UUIDS = ("GPU-aaaa", "GPU-bbbb", "GPU-cccc")


def nvml(count: int = 3) -> FakeNvml:
    return FakeNvml(*(FakeGpu(uuid=uuid) for uuid in UUIDS[:count]))


def found(asked: str, *, gpus: int = 3, root: Path = Path("/nowhere"), **environ: str) -> Devices:
    def no_npu_smi() -> str:
        raise DeviceError("there is no npu-smi here", fix="")

    return find_devices(
        parse_choice(asked), environ, root=root, nvml=nvml(gpus), ask_npu=no_npu_smi
    )


def with_npus(root: Path, count: int) -> Path:
    (root / "dev").mkdir()
    for index in range(count):
        (root / f"dev/davinci{index}").touch()
    return root


class TestChoice:
    @pytest.mark.parametrize(
        ("text", "choice"),
        [
            ("auto", Choice()),
            ("cpu", Choice(kind="cpu")),
            ("cuda", Choice(kind="cuda")),
            ("npu:12", Choice(kind="npu", index=12)),
        ],
    )
    def test_what_may_be_asked_for(self, text: str, choice: Choice) -> None:
        assert parse_choice(text) == choice
        assert str(choice) == text

    @pytest.mark.parametrize("text", ["", "gpu", "cuda:", "cuda:x", "cpu:1", "CUDA", "cuda:-1"])
    def test_what_may_not(self, text: str) -> None:
        with pytest.raises(ConfigurationError):
            parse_choice(text)


class TestDevices:
    def test_auto__an_accelerator_before_the_cpu(self, tmp_path: Path) -> None:
        assert found("auto").kind == "cuda"
        assert found("auto", gpus=0, root=with_npus(tmp_path, 2)).kind == "npu"
        assert found("auto", gpus=0).kind == "cpu"

    def test_a_lease_is_called_by_what_is_the_same_in_every_container(self) -> None:
        assert [one.lease for one in found("cuda").usable] == [
            "cuda-GPU-aaaa",
            "cuda-GPU-bbbb",
            "cuda-GPU-cccc",
        ]
        assert [one.lease for one in found("cpu").usable] == ["cpu"]

    def test_npus_are_called_by_their_numbers(self, tmp_path: Path) -> None:
        devices = found("npu", root=with_npus(tmp_path, 2))
        assert [one.lease for one in devices.usable] == ["npu-0", "npu-1"]

    def test_an_index_counts_what_the_process_may_see(self) -> None:
        devices = found("cuda:1", CUDA_VISIBLE_DEVICES="2,0")
        assert [one.uuid for one in devices.usable] == ["GPU-aaaa"]

    @pytest.mark.parametrize(
        ("asked", "environ", "told"),
        [
            ("cuda:3", {}, "out of range; there is cuda:0, cuda:1, cuda:2"),
            ("cuda:1", {"CUDA_VISIBLE_DEVICES": "2"}, "out of range; there is cuda:0"),
            ("cuda", {"CUDA_VISIBLE_DEVICES": ""}, "(CUDA_VISIBLE_DEVICES is set)"),
            ("npu", {}, "(there is no npu-smi here)"),
        ],
    )
    def test_a_device_that_is_not_there(
        self, asked: str, environ: Mapping[str, str], told: str
    ) -> None:
        with pytest.raises(DeviceError) as refused:
            found(asked, **environ)
        assert refused.value.problem.startswith(f"--device {asked}: ")
        assert told in refused.value.problem

    def test_fewer_than_a_case_needs(self) -> None:
        with pytest.raises(DeviceError, match="need 2 cuda devices, and 1 of 3 visible"):
            found("cuda:1").first(2)

    @pytest.mark.parametrize(
        ("asked", "count", "environ", "told"),
        [
            ("cuda", 1, {}, {"CUDA_VISIBLE_DEVICES": "GPU-aaaa"}),
            ("cuda", 2, {}, {"CUDA_VISIBLE_DEVICES": "GPU-aaaa,GPU-bbbb"}),
            ("cuda", 1, {"CUDA_VISIBLE_DEVICES": "1"}, {}),
            ("auto", 3, {}, {}),
        ],
        ids=["one of three", "two of three", "the only one", "all"],
    )
    def test_processes_see_the_leased_ones_alone(
        self, asked: str, count: int, environ: Mapping[str, str], told: dict[str, str]
    ) -> None:
        devices = found(asked, **environ)
        assert devices.seen(devices.first(count)) == {"PERFGATE_DEVICE": "cuda", **told}

    def test_the_cpu_by_name_hides_every_accelerator(self) -> None:
        cpu = found("cpu")
        assert cpu.seen(cpu.usable) == {
            "PERFGATE_DEVICE": "cpu",
            "CUDA_VISIBLE_DEVICES": "",
            "ASCEND_RT_VISIBLE_DEVICES": "",
        }
        cpu = found("auto", gpus=0)
        assert cpu.seen(cpu.usable) == {"PERFGATE_DEVICE": "cpu"}


class Progress:
    """Remembers what was noted."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def launch_started(self, case_id: str, side: Side, pair: int | None) -> None: ...
    def launch_ended(self, case_id: str, launch: Launch, *, left_s: float | None) -> None: ...
    def so_far(self, case_id: str, seen: Any) -> None: ...
    def repeat_started(self, cell: str, repeat: int) -> None: ...
    def repeat_ended(self, cell: str, launch: Launch, *, left_s: float | None) -> None: ...


class Host:
    """A host with three GPUs; ``moments`` are the process ids on all of them, one after the other.

    The last moment stays. Time passes only while somebody waits.
    """

    def __init__(
        self,
        folder: Path,
        *moments: Sequence[int],
        asked: str = "cuda",
        free_mb: Mapping[int, float | None] | None = None,
        unseen: Sequence[int] = (),
    ) -> None:
        self.moments = [*moments] or [()]
        self.free_mb = free_mb or {}
        self.now_s = 0.0
        self.progress = Progress()
        self.opened: list[Sequence[int]] = []
        self.machine = Machine(
            devices=found(asked),
            leases=Leases(
                folder=folder,
                note=Note(pid=123, host="box", user="alice", job="", since="12:03"),
                held={},
                tell=self.progress.note,
                wait=self._wait,
                clock=lambda: self.now_s,
            ),
            lease_timeout_s=60,
            fingerprint_of=lambda indices: a_fingerprint(f"nvidia-h100-x{len(indices)}"),
            read_host=lambda: HostSample(at_ns=0, free_memory_mb=4000.0),
            open_devices=self._open,
            whose=lambda pid: Process(
                pid=pid,
                relation="unseen" if pid in unseen else "own" if pid == 123 else "foreign",
                name="python3",
            ),
        )

    def _wait(self, seconds: float) -> None:
        self.now_s += seconds

    @contextlib.contextmanager
    def _open(self, indices: Sequence[int]) -> Iterator[Any]:
        self.opened.append(indices)
        yield lambda: [
            DeviceSample(
                index=index, processes=self._moment(), free_memory_mb=self.free_mb.get(index)
            )
            for index in indices
        ]

    def _moment(self) -> tuple[int, ...]:
        return tuple(self.moments.pop(0) if len(self.moments) > 1 else self.moments[0])

    @contextlib.contextmanager
    def held(self, count: int = 1) -> Iterator[Held]:
        with self.machine.hold(count) as held:
            yield held


class TestHeld:
    def test_only_the_leased_devices_are_read(self, tmp_path: Path) -> None:
        host = Host(tmp_path)
        with host.machine.leases.hold(["cuda-GPU-aaaa"], count=1, timeout_s=0), host.held() as held:
            assert [device.uuid for device in held.devices] == ["GPU-bbbb"]
            assert held.environment(1)["CUDA_VISIBLE_DEVICES"] == "GPU-bbbb"
        assert host.opened == [[1]]

    def test_a_case_that_takes_fewer_than_the_job_sees_fewer(self, tmp_path: Path) -> None:
        with Host(tmp_path).held(2) as held:
            assert held.environment(1)["CUDA_VISIBLE_DEVICES"] == "GPU-aaaa"
            assert held.environment(2)["CUDA_VISIBLE_DEVICES"] == "GPU-aaaa,GPU-bbbb"
            both = "cuda-GPU-aaaa@123,cuda-GPU-bbbb@123"
            assert held.environment(1)["PERFGATE_LEASE_HELD"] == both

    def test_more_than_there_are(self, tmp_path: Path) -> None:
        with pytest.raises(DeviceError, match="need 4 cuda devices"), Host(tmp_path).held(4):
            pass

    def test_a_cpu_is_one_device_whatever_a_case_takes_elsewhere(self, tmp_path: Path) -> None:
        with Host(tmp_path, asked="cpu").held(8) as held:
            assert [device.lease for device in held.devices] == ["cpu"]

    def test_the_fingerprint_is_that_of_the_held_devices(self, tmp_path: Path) -> None:
        host = Host(tmp_path)
        assert host.machine.fingerprint(2).hardware_key == "nvidia-h100-x2"
        with host.held(2) as held:
            assert held.fingerprint().hardware_key == "nvidia-h100-x2"

    @pytest.mark.parametrize(
        ("asked", "count", "free_mb"),
        [("cuda", 1, 70.0), ("cuda", 2, 50.0), ("cuda", 3, None), ("cpu", 1, 4000.0)],
        ids=["of one", "the least of two", "one does not tell", "the host's"],
    )
    def test_free_memory(
        self, tmp_path: Path, asked: str, count: int, free_mb: float | None
    ) -> None:
        with Host(tmp_path, asked=asked, free_mb={0: 70.0, 1: 50.0}).held(3) as held:
            assert held.free_memory_mb(count) == free_mb

    def test_a_server_of_its_own_that_nothing_tells_apart_is_adopted(self, tmp_path: Path) -> None:
        host = Host(tmp_path, (7,), unseen=(7, 8))
        with host.held() as held:
            held.adopt()
            held.wait_until_alone()
            with held.sampler() as sampler:
                pass
            assert sampler.conditions().unfit == ()
            held.adopted.clear()
            with pytest.raises(DeviceError, match="pid 7"):
                held.wait_until_alone()

    def test_foreign_processes_are_never_adopted(self, tmp_path: Path) -> None:
        with Host(tmp_path, (77,)).held() as held:
            held.adopt()
            assert held.adopted == set()

    def test_foreign_processes_are_waited_for(self, tmp_path: Path) -> None:
        host = Host(tmp_path, (77,), (77,), (123,))
        with host.held() as held:
            held.wait_until_alone()
        assert host.progress.notes == ["waiting for the end of pid 77 (python3) on device 0"]
        assert host.now_s == 2.0

    def test_foreign_processes_that_stay(self, tmp_path: Path) -> None:
        host = Host(tmp_path, (77,))
        with host.held() as held, pytest.raises(DeviceError) as refused:
            held.wait_until_alone()
        assert refused.value.problem == ("waited 60 s for the end of pid 77 (python3) on device 0")


def a_launcher(host: Host, held: Held, folder: Path) -> tuple[SideLauncher, list[dict[str, str]]]:
    """A launcher of a case whose process leaves a report at once, and what each one was told."""
    told: list[dict[str, str]] = []

    def run(command: Sequence[str], *, env: Mapping[str, str], **_: Any) -> Finished:
        told.append(dict(env))
        stages = [{"name": "DenoisingStage", "duration_ms": 10.0}]
        report = {"total_duration_ms": 10.0, "steps": stages}
        Path(env["PERFGATE_REPORT"]).write_text(json.dumps(report))
        return Finished(exit_code=0, timed_out=False, duration_s=1.0, log_tail="")

    side_env = {"PERFGATE_COUNT_FLOPS": "1", "PERFGATE_TRACE": "/tmp/t.json", "HOME": "/home/a"}
    sides = {
        side: Checkout(
            side=side,
            tree=Tree(commit="c", ref="r"),
            path=folder,
            python=Path("python3"),
            env=side_env,
        )
        for side in Side
    }
    edges = Edges(
        environ={},
        now=lambda: "2026-01-01T00:00:00+00:00",
        run=run,
        progress=host.progress,
        scratch=folder,
        cache=folder,
        machine=host.machine,
        event=read_event({}, lambda _: ""),
    )
    case = Case(id="wan", backend="command", command="true")
    return SideLauncher(cases={"wan": case}, sides=sides, rig=Rig(edges=edges, held=held)), told


class TestLauncher:
    def test_every_launch_carries_its_conditions(self, tmp_path: Path) -> None:
        host = Host(tmp_path, (), (77,))
        with host.held() as held:
            launcher, _ = a_launcher(host, held, tmp_path)
            done = launcher("wan", Side.HEAD, pair=0, order=0, timeout_s=9)
        assert done.ok
        assert done.conditions is not None
        assert done.conditions.unfit == (
            "load of other processes: pid 77 (python3) on device 0 in 2 of 2 samples",
        )

    def test_each_side_counts_what_it_executes_once_a_job(self, tmp_path: Path) -> None:
        host = Host(tmp_path)
        with host.held() as held:
            launcher, told = a_launcher(host, held, tmp_path)
            for order, (side, pair) in enumerate(
                [(Side.HEAD, None), (Side.BASE, 0), (Side.HEAD, 0), (Side.BASE, 1)]
            ):
                launcher("wan", side, pair=pair, order=order, timeout_s=9)
        assert [env.get("PERFGATE_COUNT_FLOPS") for env in told] == ["1", "1", None, None]

    def test_a_measured_launch_leaves_no_trace_for_an_enclosing_job(self, tmp_path: Path) -> None:
        host = Host(tmp_path)
        with host.held() as held:
            launcher, told = a_launcher(host, held, tmp_path)
            launcher("wan", Side.HEAD, pair=0, order=0, timeout_s=9)
        assert "PERFGATE_TRACE" not in told[0]

    def test_a_process_is_told_its_device_and_keeps_its_environment(self, tmp_path: Path) -> None:
        host = Host(tmp_path)
        with host.held() as held:
            launcher, told = a_launcher(host, held, tmp_path)
            launcher("wan", Side.HEAD, pair=0, order=0, timeout_s=9)
        assert told[0]["PERFGATE_DEVICE"] == "cuda"
        assert told[0]["PERFGATE_LEASE_HELD"] == "cuda-GPU-aaaa@123"
        assert told[0]["HOME"] == "/home/a"

    def test_a_device_that_stays_shared_is_not_measured_on(self, tmp_path: Path) -> None:
        host = Host(tmp_path, (77,))
        with host.held() as held:
            launcher, told = a_launcher(host, held, tmp_path)
            with pytest.raises(DeviceError, match="pid 77"):
                launcher("wan", Side.HEAD, pair=None, order=0, timeout_s=9)
        assert told == []
