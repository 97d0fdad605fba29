"""Resident servers: which one serves what, when both restart, why one is not started."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from perfgate.app.measuring.residents import Residents
from perfgate.backends.backend import CannotServeError, Invocation, SideContext
from perfgate.backends.builtin import BuiltinBackend
from perfgate.backends.command import CommandBackend
from perfgate.backends.launch import LaunchPlace
from perfgate.process import Answer
from perfgate.records import Launch, Side
from perfgate.suite import Case

BASE, HEAD = Side.BASE, Side.HEAD


class FakeServer:
    """Writes a report for each line, or does what ``goes_wrong`` says of its turn, from 1 on."""

    def __init__(self, goes_wrong: Mapping[int, Answer | str], peak_memory_mb: float | None):
        self.turns = 0
        self.ended = False
        self.exit_code: int | None = None
        self.timeouts_s: list[float] = []
        self._goes_wrong, self._peak_memory_mb = goes_wrong, peak_memory_mb
        self._answer: Answer = "late"

    def say(self, line: str) -> None:
        assert not self.ended
        self.turns += 1
        wrong = self._goes_wrong.get(self.turns, "there")
        self._answer = wrong if wrong in ("late", "ended") else "there"
        self.exit_code = 137 if wrong == "ended" else None
        own = {"load_ms": 60_000.0, "peak_memory_mb": self._peak_memory_mb}
        report = {
            "total_duration_ms": 10.0,
            "steps": [{"name": "DenoisingStage", "duration_ms": 10.0}],
            "perfgate": {key: value for key, value in own.items() if value is not None},
        }
        if self._answer == "there":
            Path(line).write_text(json.dumps(report) if wrong == "there" else wrong)

    def wait_for(self, path: Path, *, timeout_s: float) -> Answer:
        self.timeouts_s.append(timeout_s)
        return self._answer

    def end(self) -> str:
        self.ended = True
        return "the end of its log"


class Bench:
    """Resident servers of a case, and the launches of a job that counts its own order."""

    def __init__(self, folder: Path, *, free_mb: float | None = None, **case: Any) -> None:
        self.case = Case(
            **{"id": "wan", "backend": "command", "command": "x", "launch": "resident", **case}
        )
        self.started: list[FakeServer] = []
        self.goes_wrong: Mapping[int, Answer | str] = {}
        self.peak_memory_mb: float | None = 1000.0
        self.order = 0
        self.folder = folder
        self.residents = Residents(
            start=self._start,  # type: ignore[arg-type]
            scratch=folder,
            free_mb=lambda count: free_mb,
        )

    def _start(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> FakeServer:
        assert env["PERFGATE_RESIDENT"] == "1"
        self.started.append(FakeServer(self.goes_wrong, self.peak_memory_mb))
        return self.started[-1]

    def launch(self, side: Side, pair: int | None = None, *, case: Case | None = None) -> Launch:
        place = LaunchPlace(
            side=side, pair=pair, order=self.order, started_at="2026-01-01", timeout_s=2000
        )
        self.order += 1
        made = self.residents.launch(
            case or self.case,
            backend=CommandBackend(),
            context=SideContext(path=self.folder, python=Path(sys.executable), env={}),
            place=place,
        )
        assert list(self.folder.iterdir()) == []
        return made

    def pairs(self, *pairs: int) -> list[Launch]:
        return [
            self.launch(side, pair)
            for pair in pairs
            for side in ((BASE, HEAD) if pair % 2 == 0 else (HEAD, BASE))
        ]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, restart_every=2)


def test_a_server_serves_turn_by_turn_and_is_named_by_the_launch_that_started_it(
    bench: Bench,
) -> None:
    launches = [bench.launch(HEAD), *bench.pairs(0, 1)]
    assert all(launch.ok for launch in launches)
    assert [launch.server for launch in launches] == [0, 1, 0, 0, 1]
    assert len(bench.started) == 2


def test_both_restart_together_and_no_pair_mixes_old_and_new(bench: Bench) -> None:
    launches = [bench.launch(HEAD), *bench.pairs(0, 1, 2, 3, 4)]
    assert [launch.server for launch in launches] == [0, 1, 0, 0, 1, 5, 6, 6, 5, 9, 10]
    assert [server.ended for server in bench.started] == [True] * 4 + [False] * 2


def test_in_every_pair_both_have_served_as_many_turns(bench: Bench) -> None:
    bench.launch(HEAD)
    bench.launch(BASE, 0)
    head, base = (server.turns for server in bench.started)
    assert (head, base) == (1, 2), "base served one turn aside for head's burn-in"
    bench.launch(HEAD, 0)
    bench.pairs(1)
    assert [server.turns for server in bench.started] == [3, 3]


def test_the_half_of_a_pair_that_was_left_is_caught_up(bench: Bench) -> None:
    bench.launch(HEAD)
    bench.launch(BASE, 0)
    bench.pairs(1)
    assert [server.turns for server in bench.started] == [3, 3]


def test_a_load_time_is_told_once_a_server(bench: Bench) -> None:
    launches = [bench.launch(HEAD), *bench.pairs(0, 1, 2)]
    assert [launch.reports[0].load_ms is not None for launch in launches] == [
        *(True, False, False, False, False),
        *(True, True),
    ]


def test_timeouts__only_the_first_turn_may_take_the_time_of_loading(bench: Bench) -> None:
    bench.launch(HEAD)
    bench.pairs(0)
    head, base = ([round(limit) for limit in server.timeouts_s] for server in bench.started)
    assert head == [2000, 1200], "two requests of ten minutes"
    assert base == [2000, 2000], "one aside, one measured, together"


def test_another_case_ends_the_servers(bench: Bench) -> None:
    bench.launch(HEAD)
    bench.launch(HEAD, case=Case(id="flux", backend="command", command="y", launch="resident"))
    assert [server.ended for server in bench.started] == [True, False]


@pytest.mark.parametrize(
    ("wrong", "failure"),
    [
        ("ended", "the server exited with 137 before it answered"),
        ("late", "the server did not answer within 1200 s and was killed"),
        ("{}", "report[0].total_duration_ms is None"),
        ("", "the report is empty"),
    ],
)
def test_a_turn_that_fails_ends_both(bench: Bench, wrong: str, failure: str) -> None:
    bench.goes_wrong = {2: wrong}
    bench.launch(HEAD)
    bench.goes_wrong = {}
    bench.launch(BASE, 0)
    made = bench.launch(HEAD, 0)
    assert made.failure is not None
    assert made.failure.startswith(failure)
    assert (made.server, made.log_tail, made.reports) == (0, "the end of its log", ())
    assert all(server.ended for server in bench.started)
    assert bench.launch(HEAD, 1).server == 3


def test_an_interrupt_ends_both(bench: Bench) -> None:
    bench.launch(HEAD)
    bench.launch(BASE, 0)

    def interrupted(*_: object, **__: object) -> Answer:
        raise KeyboardInterrupt("SIGTERM")

    bench.started[0].wait_for = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        bench.launch(HEAD, 0)
    assert all(server.ended for server in bench.started)


class TestRoom:
    def test_too_little_for_a_second_server(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path, free_mb=1099.0)
        bench.launch(HEAD)
        made = bench.launch(BASE, 0)
        assert made.failure == (
            "a second server does not fit beside head's, which took 1000 MiB: 1099 MiB are free; "
            "write `launch: fresh` for this case"
        )
        assert [server.ended for server in bench.started] == [True]

    @pytest.mark.parametrize(
        ("free_mb", "peak_memory_mb"),
        [(1100.0, 1000.0), (None, 1000.0), (1.0, None)],
        ids=["enough", "free memory that nobody knows", "a benchmark that tells no peak"],
    )
    def test_otherwise_it_is_started(
        self, tmp_path: Path, free_mb: float | None, peak_memory_mb: float | None
    ) -> None:
        bench = Bench(tmp_path, free_mb=free_mb)
        bench.peak_memory_mb = peak_memory_mb
        bench.launch(HEAD)
        assert bench.launch(BASE, 0).ok


class TestBackends:
    CASE = Case(id="wan", backend="builtin", preset="wan-tiny", launch="resident")

    def context(self, path: Path, **env: str) -> SideContext:
        return SideContext(path=path, python=Path(sys.executable), env=env)

    def entry(self, tree: Path, text: str) -> Path:
        path = tree / "perfgate/workloads/diffusion/__main__.py"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        return tree

    def test_builtin__is_told_to_stay(self, tmp_path: Path) -> None:
        tree = self.entry(tmp_path, 'parser.add_argument("--resident")')
        command = BuiltinBackend().server(self.CASE, self.context(tree)).command
        assert "--resident" in command
        assert "--report" not in command

    def test_builtin__a_tree_that_knows_no_servers(self, tmp_path: Path) -> None:
        tree = self.entry(tmp_path, 'parser.add_argument("--report")')
        with pytest.raises(CannotServeError, match="write `launch: fresh` until the base branch"):
            BuiltinBackend().server(self.CASE, self.context(tree))

    def test_a_side_that_cannot_serve_is_a_failed_launch(self, tmp_path: Path) -> None:
        class OldBackend(CommandBackend):
            def server(self, case: Case, side: SideContext) -> Invocation:
                raise CannotServeError("too old")

        made = Bench(tmp_path).residents.launch(
            self.CASE,
            backend=OldBackend(),
            context=self.context(tmp_path),
            place=LaunchPlace(side=BASE, pair=0, order=0, started_at="2026-01-01", timeout_s=9),
        )
        assert made.failure == "too old"

    def test_command__is_told_by_a_variable_which_an_enclosing_job_may_have_set(
        self, tmp_path: Path
    ) -> None:
        case = Case(id="a", backend="command", command="x")
        side = self.context(tmp_path, PERFGATE_RESIDENT="1", PERFGATE_REPORT="theirs")
        fresh = CommandBackend().invocation(case, side, report=Path("own")).env
        assert "PERFGATE_RESIDENT" not in fresh
        assert fresh["PERFGATE_REPORT"] == "own"
        server = CommandBackend().server(case, side).env
        assert server["PERFGATE_RESIDENT"] == "1"
        assert "PERFGATE_REPORT" not in server
