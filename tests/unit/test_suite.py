"""The suite file: what is read, and that every problem is told at once with its place."""

from __future__ import annotations

import pytest

from perfgate.errors import ConfigurationError
from perfgate.suite import Case, Suite, parse_suite

CASE = "  - {id: bench, backend: command, command: python3 bench.py}\n"


def a_suite(gate: str = "{}", cases: str = CASE, more: str = "") -> Suite:
    return parse_suite(f"version: 1\n{more}gate: {gate}\ncases:\n{cases}", source="perfgate.yml")


def problems(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_suite(text, source="perfgate.yml")
    assert caught.value.fix
    return caught.value.problem


def test_policy__units() -> None:
    policy = a_suite("{margin: 4%, stage_margin: 0.2, stage_floor: 7ms, budget: 20m}").gate.policy()
    assert (policy.margin, policy.stage_margin) == (pytest.approx(0.04), 0.2)
    assert policy.stage_floor_ms == pytest.approx(7.0)
    assert policy.budget_min == pytest.approx(20.0)


def test_policy__a_plain_budget_is_in_minutes() -> None:
    assert a_suite("{budget: 30}").gate.policy().budget_min == 30.0


def test_policy__defaults_are_the_documented_ones() -> None:
    policy = a_suite().gate.policy()
    assert (policy.strategy, policy.margin, policy.stage_margin) == ("auto", 0.03, 0.10)
    assert (policy.false_block, policy.miss, policy.max_pairs) == (0.01, 0.05, 12)
    assert (policy.inconclusive, policy.incomparable, policy.missing) == (
        "neutral",
        "neutral",
        "fail",
    )


def test_timeouts__durations() -> None:
    case = a_suite(
        cases="  - {id: a, backend: command, command: x, requests: 1, "
        "timeout: {load: 2m, request: 30s}}\n"
    ).cases[0]
    assert case.launch_timeout_s() == 2 * 60 + 2 * 30


@pytest.mark.parametrize(("written", "command"), [("none", None), ("''", None), ("make", "make")])
def test_setup__none_is_absent(written: str, command: str | None) -> None:
    assert a_suite(more=f"setup: {written}\n").setup_command() == command


def test_every_problem_is_told_at_once_with_place_value_and_what_is_allowed() -> None:
    told = problems(
        """
version: 2
gate: {margn: 3%, margin: lots, budget: -1}
cases:
  - {id: a, backend: command, timeout: {lod: 20m}}
  - {id: a, backend: builtin, preset: x, params: {a: [1]}, outputs: [../x]}
  - {id: a/b, backend: sgl}
"""
    )
    for line in (
        "version: 2: must be 1",
        "gate.margn: unknown key; did you mean margin? allowed: strategy, margin,",
        "gate.margin: 'lots': write a percentage such as 3%",
        "gate.budget: -1: must be greater than 0",
        "cases[0].timeout.lod: unknown key; did you mean load? allowed: setup, load, request",
        "cases[1].params.a: [1]: write one number, one text, or true or false",
        "cases[1].outputs[0]: '../x': write a path below the repository",
        "cases[1].id: 'a': cases[0] has this id too; every case needs its own",
        "cases[2].id: 'a/b': String should match pattern",
        "cases[2].backend: 'sgl': must be 'builtin', 'command', 'diffusers', 'sglang', ",
    ):
        assert line in told, told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cases: [", "is not valid YAML"),
        ("a: 1\na: 2", "the key 'a' stands twice"),
        ("", "holds no mapping"),
        ("- 1", "holds no mapping"),
        ("[" * 2000, "is not valid YAML"),
        ("version: 1\ncases: []", "cases: []: Tuple should have at least 1 item"),
        ("version: 1", "cases: this key must be there"),
        ("version: 1\ncases: [3]", "cases[0]: 3: must be a mapping"),
        ("version: 1\ncases: [{id: a, backend: command}]", "needs the key command"),
        ("version: 1\ncases: [{id: a, backend: builtin}]", "needs the key preset"),
        (
            "version: 1\ncases: [{id: a, backend: command, command: x, restart_every: 2}]",
            "restart_every needs launch: resident",
        ),
        (
            "version: 1\ncases: [{id: a, backend: command, command: x, launch: warm}]",
            "cases[0].launch: 'warm': must be 'fresh' or 'resident'",
        ),
        (
            "version: 1\ncases: [{id: a, backend: command, command: x, runs_on: [h100, '']}]",
            "cases[0].runs_on[1]: '': String should have at least 1 character",
        ),
        ("version: 1\n" + "#" * 1_000_001, "is larger than"),
    ],
)
def test_broken_files(text: str, told: str) -> None:
    assert told in problems(text)


def test_workload_hash__changes_with_what_is_computed_alone() -> None:
    def hashed(more: str) -> str:
        return (
            a_suite(cases=f"  - {{id: a, backend: command, command: x{more}}}\n")
            .cases[0]
            .workload_hash()
        )

    assert hashed("") == hashed(", timeout: {load: 1h}, when: {events: [push]}")
    assert len({hashed(more) for more in ("", " --fast", ", env: {A: 1}", ", threads: 2")}) == 4


def test_workload_hash__servers_are_another_workload_and_fresh_ones_what_they_always_were() -> None:
    def case(more: str = "") -> Case:
        return a_suite(cases=f"  - {{id: a, backend: command, command: x{more}}}\n").cases[0]

    assert case().workload_hash() == case(", launch: fresh").workload_hash() == "92184312b91eb393"
    every = [case(f", launch: resident{more}") for more in ("", ", restart_every: 2")]
    assert [one.pairs_a_server for one in every] == [4, 2]
    assert len({one.workload_hash() for one in (case(), *every)}) == 3
    assert every[0].workload_hash() == case(", launch: resident, restart_every: 4").workload_hash()


def test_timeout__a_new_server_may_serve_a_turn_aside() -> None:
    def case(more: str) -> Case:
        timeout = "timeout: {load: 100s, request: 10s}"
        line = f"  - {{id: a, backend: command, command: x, {timeout}{more}}}\n"
        return a_suite(cases=line).cases[0]

    assert case("").launch_timeout_s() == 130
    resident = case(", launch: resident")
    assert (resident.launch_timeout_s(), resident.turn_timeout_s()) == (150, 20)


SGLANG = """baselines:
  format: sglang
  files: {"nvidia-h100-*": ci/h100.json, "nvidia-*": ci/other.json, "ascend-*": ci/npu.json}
  state: perfgate/
"""


def test_baselines__a_folder_is_the_state() -> None:
    suite = a_suite(more="baselines: baselines/\n")
    assert (suite.state_folder, suite.sglang) == ("baselines/", None)


def test_baselines__of_sglang_by_the_first_pattern_that_fits_the_hardware() -> None:
    suite = a_suite(more=SGLANG)
    assert suite.state_folder == "perfgate/"
    assert suite.sglang is not None
    found = [
        suite.sglang.file_of(key)
        for key in ("nvidia-h100-80gb-hbm3-x1", "nvidia-b200-x1", "ascend-910b-x8", "cpu-x2")
    ]
    assert found == ["ci/h100.json", "ci/other.json", "ci/npu.json", None]


def test_baselines__what_is_wrong_in_them_is_told_with_its_place() -> None:
    told = problems(
        "version: 1\n"
        "baselines:\n"
        "  format: vllm\n"
        "  files: {'h100-*': /etc/passwd, 'A B': x.json}\n"
        "  folder: perfgate\n"
        f"cases:\n{CASE}"
    )
    assert "baselines.format: 'vllm': must be 'sglang'" in told
    assert "baselines.files.h100-*: '/etc/passwd': write a path below the repository" in told
    assert "baselines.files.A B: 'A B'" in told
    assert "baselines.folder: unknown key; allowed: format, files, state" in told
    assert "baselines.state: this key must be there" in told


def test_baselines__neither_a_folder_nor_files() -> None:
    told = problems(f"version: 1\nbaselines: 3\ncases:\n{CASE}")
    assert "baselines: 3: write a folder, or a mapping with the keys format" in told
