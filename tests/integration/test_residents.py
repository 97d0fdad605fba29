"""Resident servers as real processes: what they serve, how they fail, that none is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from perfgate.app.measuring.residents import Residents
from perfgate.backends.backend import SideContext
from perfgate.backends.builtin import BuiltinBackend
from perfgate.backends.command import CommandBackend
from perfgate.backends.launch import LaunchPlace
from perfgate.process import Child
from perfgate.records import Launch, Side
from perfgate.suite import Case
from tests.repositories import Repository, environment, perfgate

SERVER = dedent(
    """\
    import json, os, signal, subprocess, sys, time
    from pathlib import Path

    turns = 0

    def serve(path):
        global turns
        turns += 1
        start = time.perf_counter()
        time.sleep(0.02)
        ms = (time.perf_counter() - start) * 1000
        own = {"load_ms": 1000, "peak_memory_mb": 10, "pid": os.getpid(), "turn": turns}
        stages = [{"name": "DenoisingStage", "duration_ms": ms}]
        report = {"total_duration_ms": ms, "steps": stages, "perfgate": own}
        Path(path + ".new").write_text(json.dumps(report))
        os.replace(path + ".new", path)

    if os.environ.get("PERFGATE_RESIDENT") != "1":
        sys.exit("fresh launches are not what this test is about")
    """
)
ROOT = Path(__file__).parents[2]
LINES = "for line in sys.stdin:\n    serve(line.rstrip('\\n'))\n"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(pid: int) -> bool:
    deadline = time.monotonic() + 30
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


class Servers:
    """Servers of ``script`` after SERVER, on both sides in one tree."""

    def __init__(self, folder: Path, script: str) -> None:
        self.tree, self.scratch = folder / "tree", folder / "scratch"
        self.tree.mkdir()
        self.scratch.mkdir()
        (self.tree / "bench.py").write_text(SERVER + dedent(script))
        self.order = 0
        self.case = Case(
            id="bench",
            backend="command",
            command="python3 bench.py",
            launch="resident",
            restart_every=2,
            requests=1,
            timeout={"load": 20, "request": 2},
        )
        self.residents = Residents(start=Child, scratch=self.scratch, free_mb=lambda _: None)

    def launch(self, side: str = "head", pair: int | None = None) -> Launch:
        place = LaunchPlace(
            side=Side(side), pair=pair, order=self.order, started_at="2026-01-01", timeout_s=24
        )
        self.order += 1
        made = self.residents.launch(
            self.case,
            backend=CommandBackend(),
            context=SideContext(path=self.tree, python=Path(sys.executable), env=environment()),
            place=place,
        )
        assert list(self.scratch.iterdir()) == []
        return made

    def written_pids(self) -> list[int]:
        return [int(pid) for pid in (self.tree / "pids").read_text().split()]


def own(launch: Launch, key: str) -> Any:
    assert launch.ok, launch.failure
    return launch.reports[0].extra[key]


@contextlib.contextmanager
def servers(folder: Path, script: str) -> Iterator[Servers]:
    made = Servers(folder, script)
    try:
        yield made
    finally:
        made.residents.end()


def test_one_process_a_side_serves_turns_until_both_restart(tmp_path: Path) -> None:
    with servers(tmp_path, LINES) as bench:
        launches = [bench.launch()]
        launches += [bench.launch(side, pair) for pair in range(3) for side in ("base", "head")]
        pids = [own(launch, "pid") for launch in launches]
        head, base = pids[0], pids[1]
        assert pids[:5] == [head, base, head, base, head]
        assert len({head, base, *pids[5:]}) == 4
        assert [own(launch, "turn") for launch in launches] == [1, 2, 2, 3, 3, 1, 1]
        assert [alive(pid) for pid in (head, base, *pids[5:])] == [False, False, True, True]
    assert all(ends(pid) for pid in pids)


ONCE = "serve(sys.stdin.readline().strip())\n"
HANGS = ONCE + "print('stuck', flush=True)\nsys.stdin.read()\n"
DIES = ONCE + "sys.stdin.readline()\nsys.exit('no memory')\n"
DAMAGES = ONCE + dedent(
    """
    path = sys.stdin.readline().strip()
    Path(path + ".new").write_text("{")
    os.replace(path + ".new", path)
    sys.stdin.read()
    """
)


@pytest.mark.parametrize(
    ("script", "failure", "log"),
    [
        (HANGS, "the server did not answer within 2 s and was killed", "stuck"),
        (DIES, "the server exited with 1 before it answered", "no memory"),
        (DAMAGES, "the report is not whole JSON", ""),
    ],
    ids=["hangs in its second turn", "dies in its second turn", "writes half a report"],
)
def test_a_server_that_fails_is_a_failed_launch(
    tmp_path: Path, script: str, failure: str, log: str
) -> None:
    with servers(tmp_path, script) as bench:
        first = bench.launch()
        made = bench.launch("head", 0)
        assert made.failure is not None
        assert made.failure.startswith(failure)
        assert made.log_tail == log
        assert ends(own(first, "pid"))


def test_a_command_that_knows_no_servers_is_a_failed_launch(tmp_path: Path) -> None:
    with servers(tmp_path, "serve(os.environ['PERFGATE_REPORT'])\n") as bench:
        made = bench.launch()
        assert made.failure == "the server exited with 1 before it answered"
        assert made.log_tail.endswith("KeyError: 'PERFGATE_REPORT'")


def test_a_child_that_a_server_left_behind_is_ended(tmp_path: Path) -> None:
    script = """
        left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path("pids").write_text(str(left.pid))
        """
    with servers(tmp_path, dedent(script) + LINES) as bench:
        assert bench.launch().ok
        (left,) = bench.written_pids()
        assert alive(left)
    assert ends(left)


@pytest.mark.slow
def test_builtin__both_sides_serve_pairs_of_their_own_trees_code(tmp_path: Path) -> None:
    small = {"steps": 2, "frames": 5, "height": 32, "width": 32}
    case = Case(
        id="wan", backend="builtin", preset="wan-tiny", params=small, launch="resident", requests=1
    )
    residents = Residents(start=Child, scratch=tmp_path, free_mb=lambda _: 64_000.0)
    context = SideContext(path=ROOT, python=Path(sys.executable), env=environment())

    def launch(order: int, side: str, pair: int | None) -> Launch:
        place = LaunchPlace(
            side=Side(side), pair=pair, order=order, started_at="2026-01-01", timeout_s=300
        )
        return residents.launch(case, backend=BuiltinBackend(), context=context, place=place)

    turns = [("head", None), ("base", 0), ("head", 0), ("head", 1), ("base", 1)]
    try:
        launches = [launch(order, *turn) for order, turn in enumerate(turns)]
    finally:
        residents.end()
    assert [one.failure for one in launches] == [None] * 5
    assert [one.server for one in launches] == [0, 1, 0, 0, 1]
    assert {one.imported["perfgate"] for one in launches} == {str(ROOT / "perfgate/__init__.py")}
    outputs = {one.reports[0].output.sha256 for one in launches if one.reports[0].output}
    assert len(outputs) == 1


@pytest.mark.slow
def test_a_server_that_ignores_its_end_is_killed(tmp_path: Path) -> None:
    script = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LINES + "time.sleep(600)\n"
    with servers(tmp_path, script) as bench:
        pid = own(bench.launch(), "pid")
    assert ends(pid)


SUITE = dedent(
    """\
    version: 1
    baselines: baselines/
    gate: {strategy: paired, margin: 50%, stage_margin: 100%, budget: 5m, max_pairs: 6}
    cases:
      - id: bench
        backend: command
        command: python3 bench.py
        launch: resident
        requests: 1
        timeout: {load: 20s, request: 20s}
    """
)


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    found = Repository(tmp_path / "project")
    found.commit("start", perfgate_yml=SUITE, bench_py=SERVER + LINES)
    return found


def written(project: Repository, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.path / f"perfgate-out/{name}.json").read_text())
    return found


def calibration(project: Repository) -> Path:
    (path,) = (project.path / "baselines").glob("*/calibration.json")
    return path


def as_if_twenty_had_passed(project: Repository) -> None:
    stored = json.loads(calibration(project).read_text())
    stored["cases"][0]["equal_gates"] |= {"gates": 20, "blocked": 0, "passed": 20, "undecided": 0}
    calibration(project).write_text(json.dumps(stored))
    project.commit("twenty gates")


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.slow
def test_a_gate_judges_by_resident_servers_only_where_their_error_rate_is_known(
    project: Repository,
) -> None:
    done = perfgate(project.path, "gate", "--base", "HEAD")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "bench was refused: resident servers may not judge here" in done.stdout
    assert "perfgate calibrate --resident" in done.stdout
    assert written(project, "record")["cases"][0]["launches"] == []

    done = perfgate(project.path, "calibrate", "--resident", "--gates", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "of 2 gates of equal sides were blocked (0 % to 84 %)" in done.stdout
    kept = json.loads(calibration(project).read_text())["cases"][0]["equal_gates"]
    assert (kept["restart_every"], kept["gates"]) == (4, 2)
    project.commit("two gates")
    done = perfgate(project.path, "gate", "--base", "HEAD")
    assert "is known from 2 gates of equal sides, and 20 are needed" in one_line(done.stdout)

    as_if_twenty_had_passed(project)
    done = perfgate(project.path, "gate", "--base", "HEAD")
    assert done.returncode in (0, 7), done.stdout + done.stderr
    told = "bench: resident servers: 0 of 20 gates of equal sides were blocked (0 % to 17 %)"
    assert f"Note: {told}" in done.stdout
    for name in ("comment.md", "summary.md"):
        text = (project.path / "perfgate-out" / name).read_text()
        assert "0 of 20 gates of equal sides were blocked" in text
    (case,) = written(project, "record")["cases"]
    assert {launch["server"] for launch in case["launches"]} >= {0, 1}
    replayed = perfgate(project.path, "compare", "perfgate-out/record.json")
    assert told in replayed.stdout


@pytest.mark.slow
def test_a_gate_goes_on_from_its_record_with_new_servers(project: Repository) -> None:
    project.commit("two", perfgate_yml=SUITE.replace("max_pairs: 6", "max_pairs: 2"))
    done = perfgate(project.path, "calibrate", "--resident", "--gates", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 undecided" in done.stdout, "without stored noise two pairs decide nothing"
    as_if_twenty_had_passed(project)
    done = perfgate(project.path, "gate", "--base", "HEAD")
    assert done.returncode == 7, done.stdout + done.stderr
    before = written(project, "record")["cases"][0]["launches"]
    done = perfgate(project.path, "gate", "--continue")
    assert done.returncode in (0, 7), done.stdout + done.stderr
    assert "0 of 20 gates of equal sides were blocked" in done.stdout
    after = written(project, "record")["cases"][0]["launches"]
    assert after[: len(before)] == before
    assert {launch["server"] for launch in before} == {0, 1}
    assert {launch["server"] for launch in after[len(before) :]} == {5, 6}


@pytest.mark.slow
def test_against_a_baseline_it_is_not_launched(project: Repository) -> None:
    done = perfgate(project.path, "gate", "--base", "HEAD", "--strategy", "baseline")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "its servers stay resident" in done.stdout
    assert written(project, "record")["cases"][0]["launches"] == []
    done = perfgate(project.path, "measure")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "resident servers are compared in pairs alone" in done.stderr


@pytest.mark.slow
def test_pairs_without_gates_keep_no_error_rate(project: Repository) -> None:
    done = perfgate(project.path, "calibrate", "--pairs", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    (stored,) = json.loads(calibration(project).read_text())["cases"]
    assert "equal_gates" not in stored
    launches = written(project, "record")["cases"][0]["launches"]
    assert len({launch["server"] for launch in launches}) == 4, "restarted after four pairs"
    project.commit("fresh", perfgate_yml=SUITE.replace("    launch: resident\n", ""))
    done = perfgate(project.path, "calibrate", "--resident")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "none of the cases has resident servers" in done.stderr


@pytest.mark.slow
def test_a_terminated_job_leaves_no_server(project: Repository) -> None:
    script = "Path('pids').open('a').write(f'{os.getpid()}\\n')\n" + LINES
    project.commit("tell", bench_py=SERVER + script, _gitignore="pids\n")
    job = subprocess.Popen(
        [sys.executable, "-m", "perfgate", "calibrate", "--resident"],
        cwd=project.path,
        env=environment(XDG_CACHE_HOME=str(project.path.parent / "cache")),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    pids = project.path / "pids"
    try:
        deadline = time.monotonic() + 60
        while not (pids.exists() and len(pids.read_text().split()) >= 4):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(job.pid, signal.SIGTERM)
        said, _ = job.communicate(timeout=60)
    finally:
        job.kill()
    assert job.returncode == 128 + signal.SIGTERM, said
    assert all(ends(int(pid)) for pid in pids.read_text().split())
    assert written(project, "record")["interrupted"] == "SIGTERM"
