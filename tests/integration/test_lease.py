"""Two real jobs on one host: never two launches on one device at once, whatever ends the first.

Nothing here depends on speed: a benchmark says through one FIFO that it runs, and ends when the
test lets it through another.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from perfgate.errors import ExitCode
from tests.repositories import SUITE, Repository, environment, perfgate

pytestmark = pytest.mark.slow
SAFETY_S = 120

BENCH = dedent(
    """\
    import json, os

    def log(word):
        # One write of few bytes to a file opened for appending is never mixed with another.
        with open(os.environ["LOG"], "a") as stream:
            stream.write(f"{word} {os.environ['JOB']} {os.getpid()}\\n")

    log("start")
    if os.environ["JOB"] == "first":
        with open(os.environ["STARTED"], "w") as stream:
            stream.write("x")
        open(os.environ["GATE"]).close()
    log("end")
    report = {"total_duration_ms": 10.0, "steps": [{"name": "DenoisingStage", "duration_ms": 10.0}]}
    with open(os.environ["PERFGATE_REPORT"], "w") as stream:
        json.dump(report, stream)
    """
)


class Host:
    """A project on a host with one device, its CPU, and the jobs that come to it."""

    def __init__(self, folder: Path) -> None:
        self.project = Repository(folder / "project")
        self.project.commit("start", perfgate_yml=SUITE, bench_py=BENCH)
        self.folder = folder
        self.log, self.gate, self.started = (folder / name for name in ("log", "gate", "started"))
        for fifo in (self.gate, self.started):
            os.mkfifo(fifo)
        # Opened for both, a FIFO blocks neither this process nor who opens its other end.
        self.fds = [os.open(self.started, os.O_RDWR)]

    def environ(self, job: str) -> dict[str, str]:
        return environment(
            JOB=job,
            LOG=str(self.log),
            GATE=str(self.gate),
            STARTED=str(self.started),
            XDG_CACHE_HOME=str(self.folder / "cache"),
            PERFGATE_LEASE_DIR=str(self.folder / "leases"),
        )

    def start(self, job: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "perfgate", *arguments, "--output-dir", f"out-{job}"],
            cwd=self.project.path,
            env=self.environ(job),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextlib.contextmanager
    def in_its_first_launch(self) -> Iterator[subprocess.Popen[str]]:
        """The first job, held in its first launch until :meth:`let_go`."""
        first = self.start("first", "measure")
        try:
            while not select.select(self.fds, [], [], 1.0)[0]:
                assert first.poll() is None, first.communicate()
            yield first
        finally:
            first.kill()
            first.communicate(timeout=SAFETY_S)
            for _, job, pid in self.launches():
                # A launch of a job that was killed still stands at its gate.
                if job == "first" and ("end", job, pid) not in self.launches():
                    os.kill(pid, signal.SIGKILL)

    def let_go(self) -> None:
        """Let every launch of the first job through, this one and those to come."""
        self.fds.append(os.open(self.gate, os.O_RDWR))

    def launches(self) -> list[tuple[str, str, int]]:
        if not self.log.exists():
            return []
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return [(word, job, int(pid)) for word, job, pid in lines]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    yield host
    for fd in host.fds:
        os.close(fd)


def waits(job: subprocess.Popen[str]) -> str:
    """Read what a job says until it says that it waits."""
    assert job.stderr is not None
    for line in job.stderr:
        if "waiting for" in line:
            return line
    raise AssertionError(f"it never waited and exited with {job.wait()}")


def test_never_two_launches_on_one_device(host: Host) -> None:
    with host.in_its_first_launch() as first:
        second = host.start("second", "measure")
        told = waits(second)
        assert f"waiting for cpu, held by pid {first.pid} of " in told
        assert [word for word, *_ in host.launches()] == ["start"]
        host.let_go()
        for job in (first, second):
            out, err = job.communicate(timeout=SAFETY_S)
            assert job.returncode == ExitCode.OK, out + err
    words = [word for word, *_ in host.launches()]
    assert words == ["start", "end"] * (len(words) // 2)
    jobs = [job for _, job, _ in host.launches()]
    assert jobs == ["first"] * 8 + ["second"] * 8


def test_a_job_that_waited_long_enough_says_who_holds_the_device(host: Host) -> None:
    with host.in_its_first_launch() as first:
        second = host.start("second", "gate", "--base", "HEAD", "--lease-timeout", "10ms")
        out, err = second.communicate(timeout=SAFETY_S)
        assert second.returncode == ExitCode.DEVICE, out + err
        assert f"waited 0.01 s for cpu, held by pid {first.pid} of " in err
        assert "--lease-timeout" in err
        assert "Traceback" not in err
        assert [job for _, job, _ in host.launches()] == ["first"]
    decision = json.loads((host.project.path / "out-second" / "decision.json").read_text())
    assert decision["problem"]["exit_code"] == ExitCode.DEVICE


def test_a_crash_gives_the_device_back(host: Host) -> None:
    with host.in_its_first_launch() as first:
        second = host.start("second", "measure")
        waits(second)
        first.kill()
        out, err = second.communicate(timeout=SAFETY_S)
        assert second.returncode == ExitCode.OK, out + err


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_ends_the_waiting(host: Host, number: signal.Signals, code: int) -> None:
    with host.in_its_first_launch() as first:
        second = host.start("second", "gate", "--base", "HEAD")
        waits(second)
        second.send_signal(number)
        out, err = second.communicate(timeout=SAFETY_S)
        assert second.returncode == code, out + err
        assert f"stopped by {number.name}" in err
        host.let_go()
        out, err = first.communicate(timeout=SAFETY_S)
        assert first.returncode == ExitCode.OK, out + err


def test_perfgate_inside_a_benchmark_does_not_wait_for_the_job_around_it(host: Host) -> None:
    inner = Repository(host.folder / "inner")
    inner.commit("start", perfgate_yml=SUITE, bench_py=BENCH)
    line = f"{sys.executable} -m perfgate measure --lease-timeout 10ms"
    outer = f"(cd {inner.path} && JOB=inner {line}) && python3 bench.py"
    host.project.commit("around", perfgate_yml=SUITE.replace("python3 bench.py", outer))
    done = subprocess.run(
        [sys.executable, "-m", "perfgate", "measure"],
        cwd=host.project.path,
        env=host.environ("outer"),
        capture_output=True,
        text=True,
        timeout=SAFETY_S,
        check=False,
    )
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    assert {job for _, job, _ in host.launches()} == {"inner", "outer"}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--device", "cuda"), ExitCode.DEVICE, "no cuda device is visible here"),
        (("--device", "npu:0"), ExitCode.DEVICE, "no npu device is visible here"),
        (("--device", "gpu"), ExitCode.CONFIGURATION, "'gpu' is no device"),
        (("--lease-timeout", "soon"), ExitCode.CONFIGURATION, "'soon' is no duration"),
        (("--lease-timeout", "0s"), ExitCode.CONFIGURATION, "'0s' is no duration"),
    ],
)
@pytest.mark.parametrize("command", ["gate", "measure"])
def test_a_device_or_a_time_that_cannot_be(
    host: Host, command: str, arguments: tuple[str, ...], code: ExitCode, told: str
) -> None:
    hidden = {"CUDA_VISIBLE_DEVICES": "", "ASCEND_RT_VISIBLE_DEVICES": ""}
    done = perfgate(host.project.path, command, *arguments, **hidden)
    assert done.returncode == code, done.stdout + done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_of_leases_that_cannot_be_used(host: Host) -> None:
    done = perfgate(host.project.path, "measure", PERFGATE_LEASE_DIR="/proc/leases")
    assert done.returncode == ExitCode.CONFIGURATION, done.stdout + done.stderr
    assert "no folder for device leases can be written: /proc/leases" in done.stderr


def test_conditions_are_recorded_with_every_launch(host: Host) -> None:
    job = host.start("second", "measure", "--device", "cpu")
    out, err = job.communicate(timeout=SAFETY_S)
    assert job.returncode == ExitCode.OK, out + err
    record = json.loads((host.project.path / "out-second" / "record.json").read_text())
    (case,) = record["cases"]
    assert all(launch["conditions"]["samples"] >= 2 for launch in case["launches"])
    assert all(launch["conditions"]["unfit"] == [] for launch in case["launches"])
