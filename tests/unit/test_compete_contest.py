"""Which framework runs which case: read from the suite, chosen, eager and compiled."""

from __future__ import annotations

from typing import Any

import pytest

from perfgate.app.compete.contest import (
    Contest,
    Entry,
    compiled,
    entries_of,
    only_cases,
    only_frameworks,
)
from perfgate.app.compete.plan import plan_lines
from perfgate.errors import ConfigurationError
from perfgate.suite import Case
from tests.competing import a_cell


def a_case(case_id: str = "wan", backend: str = "diffusers", **rest: Any) -> Case:
    return Case.model_validate(
        {
            "id": case_id,
            "backend": backend,
            "model": "Wan-AI/Wan2.1",
            "task": "text-to-video",
            "request": {"prompt": "a cat", "steps": 4},
            **rest,
        }
    )


THREE = a_case(
    frameworks={
        "sglang": {"args": "--tp-size 2", "compile": True},
        "mine": {"command": "./serve", "path": "/generate", "body": {"p": "{prompt}"}},
    }
)
BENCH = Case(id="bench", backend="command", command="./bench")


def a_contest(*cases: Case) -> Contest:
    return Contest(entries=entries_of(cases))


def names(contest: Contest) -> list[tuple[str, str]]:
    return [(entry.cell, entry.case.backend) for entry in contest.entries]


class TestEntries:
    def test_a_case_runs_in_its_own_backend_and_in_each_of_its_frameworks(self) -> None:
        assert names(a_contest(THREE)) == [
            ("diffusers", "diffusers"),
            ("sglang-compiled", "sglang"),
            ("mine", "server"),
        ]

    def test_all_of_them_are_asked_the_same(self) -> None:
        requests = [entry.case.request for entry in a_contest(THREE).entries]
        assert requests == [THREE.request] * 3

    def test_each_has_a_workload_hash_of_its_own(self) -> None:
        assert len({entry.case.workload_hash() for entry in a_contest(THREE).entries}) == 3

    def test_its_own_backend_may_be_among_the_frameworks(self) -> None:
        case = a_case(frameworks={"diffusers": {"args": "--fast"}, "sglang": {}})
        first, second = a_contest(case).entries
        assert (first.cell, first.case.serve.args, second.cell) == (
            "diffusers",
            ("--fast",),
            "sglang",
        )

    def test_the_projects_own_benchmark_stands_beside_frameworks(self) -> None:
        (entry,) = a_contest(BENCH).entries
        assert (entry.cell, entry.case) == ("command", BENCH)


class TestCompile:
    def test_both__one_command_runs_eager_and_compiled(self) -> None:
        assert names(compiled(a_contest(THREE, BENCH), "both")) == [
            ("diffusers", "diffusers"),
            ("diffusers-compiled", "diffusers"),
            ("sglang", "sglang"),
            ("sglang-compiled", "sglang"),
            ("mine", "server"),
            ("command", "command"),
        ]

    @pytest.mark.parametrize(
        ("how", "cells"),
        [
            ("as-written", ["diffusers", "sglang-compiled", "mine"]),
            ("eager", ["diffusers", "sglang", "mine"]),
            ("compiled", ["diffusers-compiled", "sglang-compiled", "mine"]),
        ],
    )
    def test_one_of_the_two(self, how: Any, cells: list[str]) -> None:
        assert [entry.cell for entry in compiled(a_contest(THREE), how).entries] == cells

    def test_eager_and_compiled_are_two_workloads(self) -> None:
        eager, fast = compiled(only_frameworks(a_contest(THREE), ["sglang"]), "both").entries
        assert eager.case.workload_hash() != fast.case.workload_hash()

    def test_a_name_that_another_cell_has_is_refused(self) -> None:
        case = a_case(
            backend="sglang", frameworks={"sglang-compiled": {"address": "http://127.0.0.1:1"}}
        )
        with pytest.raises(ConfigurationError, match="sglang-compiled: two cells have that name"):
            compiled(a_contest(case), "both")

    def test_a_name_that_no_file_could_hold_is_refused(self) -> None:
        case = a_case().in_framework("diffusers", compiled=True)
        entry = Entry(case=case, framework="x" * 95)
        with pytest.raises(ConfigurationError, match="longer than 100 characters"):
            compiled(Contest(entries=(entry,)), "as-written")


class TestChoice:
    def test_only_one_framework(self) -> None:
        broken = a_cell("comfyui")
        contest = Contest(entries=entries_of([THREE]), impossible=(broken,))
        assert names(only_frameworks(contest, ["mine"])) == [("mine", "server")]
        assert only_frameworks(contest, ["comfyui"]).impossible == (broken,)
        assert only_frameworks(contest, []) == contest

    def test_one_that_no_case_runs_in(self) -> None:
        with pytest.raises(ConfigurationError, match="no selected case runs in vllm") as refused:
            only_frameworks(a_contest(THREE), ["vllm"])
        assert refused.value.fix == "There are: diffusers, sglang, mine."

    def test_only_one_case(self) -> None:
        assert names(only_cases(a_contest(THREE, BENCH), ["bench"])) == [("command", "command")]
        with pytest.raises(ConfigurationError, match="no case is called flux"):
            only_cases(a_contest(THREE, BENCH), ["flux"])


class TestPlan:
    def test_what_is_known_is_added_up(self) -> None:
        contest = a_contest(BENCH, BENCH.model_copy(update={"id": "other"}))
        guesses: dict[str, float | None] = {"bench · command": 30.0, "other · command": 60.0}
        assert plan_lines(contest, launch_s=guesses, budget_min=None) == [
            "bench · command: 4 launches, device minutes: expected 2.0, worst 200",
            "other · command: 4 launches, device minutes: expected 4.0, worst 200",
            (
                "plan: 2 cases, 2 cells, 8 launches; device minutes: expected 6.0, worst 400 "
                "(no budget)"
            ),
        ]

    def test_the_budget_bounds_the_worst__and_what_cannot_run_is_told(self) -> None:
        contest = Contest(entries=entries_of([BENCH]), impossible=(a_cell("comfyui"),), repeats=1)
        lines = plan_lines(contest, launch_s={}, budget_min=20)
        assert lines[0] == "bench · command: 1 launch, device minutes: not known, worst 50"
        assert lines[1] == "wan · comfyui: cannot run: no answer in 20 min"
        assert lines[2].endswith("device minutes: expected: not known, worst 20 (budget 20)")
