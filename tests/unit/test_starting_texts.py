"""The files of `perfgate init` as texts: each has to be what its reader takes."""

from __future__ import annotations

import pytest
import yaml

from perfgate.app.starting.draft import Draft
from perfgate.app.starting.looking import Found, Script
from perfgate.app.starting.owners import kept_paths, new_file, owner_lines, without_owner
from perfgate.app.starting.suite_text import from_benchmarks, suite_text
from perfgate.app.starting.workflows import GATE, gate_workflow, name_of, publish_workflow
from perfgate.suite import Suite, parse_suite

REPORTING = Script(path="bench.py", command="python3 bench.py", reports=True)


def found(*scripts: Script, setup: str = "") -> Found:
    return Found(device="cpu", hardware_key="cpu-x2", scripts=scripts, setup=setup)


def written(draft: Draft, *, on_device: bool = False) -> tuple[str, Suite]:
    text = suite_text(draft, on_device=on_device, repository="acme/perfgate")
    return text, parse_suite(text, source="perfgate.yml")


class TestSuite:
    def test_of_a_benchmark_that_leaves_a_report(self) -> None:
        text, suite = written(from_benchmarks(found(REPORTING), None))
        assert text.startswith(
            "# yaml-language-server: $schema="
            "https://raw.githubusercontent.com/acme/perfgate/v1/schemas/suite.json\n"
        )
        (case,) = suite.cases
        assert (case.id, case.backend, case.command) == ("bench", "command", "python3 bench.py")
        assert (suite.baselines, suite.setup) == ("baselines/", None)
        assert "PERFGATE_REPORT" not in text

    def test_what_is_commented_out_is_a_suite_too(self) -> None:
        text, _ = written(from_benchmarks(found(REPORTING), None))
        whole = text.replace("\n    # ", "\n    ").replace("# setup:", "setup:")
        suite = parse_suite(whole, source="perfgate.yml")
        assert suite.setup_command() == "pip install -e ."
        assert suite.cases[0].outputs == ("out.png",)
        assert suite.cases[0].when.paths == ("src/**",)

    def test_a_device_decides_less_than_a_cpu_can(self) -> None:
        draft = from_benchmarks(found(REPORTING), None)
        _, on_device = written(draft, on_device=True)
        _, on_cpu = written(draft)
        assert (on_device.gate.margin, on_device.gate.stage_margin) == (0.03, 0.10)
        assert (on_cpu.gate.margin, on_cpu.gate.stage_margin) == (0.10, 0.20)

    def test_several_scripts_of_one_name(self) -> None:
        scripts = [
            Script(path=path, command=f"python3 {path}", reports=True)
            for path in ("a/bench.py", "b/bench.py", "_/-.py", "größe 1.py")
        ]
        _, suite = written(from_benchmarks(found(*scripts), None))
        assert [case.id for case in suite.cases] == ["bench", "bench_2", "benchmark", "gr_e_1"]

    def test_setup_of_the_project(self) -> None:
        _, suite = written(from_benchmarks(found(REPORTING, setup="pip install -e ."), None))
        assert suite.setup == "pip install -e ."

    @pytest.mark.parametrize(
        ("command", "case_id"),
        [
            ("python3 my/bench-flux.py --steps 4", "bench-flux"),
            ("make bench", "benchmark"),
            ("echo 'unbalanced", "benchmark"),
            ("python3 'with spaces.py' # and a comment: {}", "with_spaces"),
            ("line one\nline two", "benchmark"),
            ("- [x]: &a *b", "benchmark"),
        ],
    )
    def test_any_command_comes_back_as_it_was_given(self, command: str, case_id: str) -> None:
        _, suite = written(from_benchmarks(found(REPORTING), command))
        assert [(case.id, case.command) for case in suite.cases] == [(case_id, command)]

    def test_without_a_benchmark_there_is_a_case_to_fill_in(self) -> None:
        text, suite = written(from_benchmarks(found(), None))
        assert [case.id for case in suite.cases] == ["my_benchmark"]
        assert "No benchmark was found" in text
        assert '"total_duration_ms"' in text

    def test_a_script_without_a_report_is_told_what_it_lacks(self) -> None:
        script = Script(path="benchmark.py", command="python3 benchmark.py", reports=False)
        text, suite = written(from_benchmarks(found(script), None))
        assert suite.cases[0].command == "python3 benchmark.py"
        assert "does not name PERFGATE_REPORT yet" in text

    def test_a_draft_of_blocks(self) -> None:
        draft = Draft(
            baselines='format: sglang\nfiles: {"nvidia-*": perf/h100.json}\nstate: perfgate/\n',
            sections="frameworks:\n  sglang: {setup: pip install sglang}   # in its own\n",
            cases="- id: a\n  backend: command\n  command: 'true'\n",
        )
        _, suite = written(draft)
        assert suite.sglang is not None
        assert suite.frameworks["sglang"].setup == "pip install sglang"
        assert kept_paths(suite) == ("perfgate/", "perf/h100.json")


class TestOwners:
    PATHS = ("baselines/", "perf/h100.json")

    def test_a_new_file_owns_every_path(self) -> None:
        assert without_owner(new_file(self.PATHS, "acme"), self.PATHS) == ()

    def test_without_an_account_nobody_is_named(self) -> None:
        text = new_file(self.PATHS, "")
        assert without_owner(text, self.PATHS) == self.PATHS
        assert "# /baselines/ @ACCOUNT" in text

    @pytest.mark.parametrize(
        ("text", "lacking"),
        [
            ("* @everybody\n", ()),
            ("/baselines/ @me\n", ("perf/h100.json",)),
            ("* @me\n/baselines/\n", ("baselines/",)),
            ("/src/ @me\n", PATHS),
            ("", PATHS),
        ],
        ids=["all", "one", "taken-back", "elsewhere", "empty"],
    )
    def test_what_a_file_lacks(self, text: str, lacking: tuple[str, ...]) -> None:
        assert without_owner(text, self.PATHS) == lacking
        told = text + "\n".join(owner_lines(lacking, "acme"))
        assert without_owner(told, self.PATHS) == ()

    def test_a_path_with_a_space(self) -> None:
        assert without_owner(new_file(("my files/",), "acme"), ("my files/",)) == ()


@pytest.mark.parametrize("suite", ["long name " * 20 + "of a.yml", "a: b.yml", "größe.yml", "-"])
def test_workflows__name_any_suite(suite: str) -> None:
    for text in (
        gate_workflow(repository="acme/perfgate", suite=suite, on_device=True),
        publish_workflow(repository="acme/perfgate", suite=suite),
    ):
        (job,) = yaml.safe_load(text)["jobs"].values()
        assert job["with"]["suite"] == suite


@pytest.mark.parametrize(
    ("stands", "name"),
    [
        ("name: 'Speed, [quiet] # 1'\non: push\n", "Speed, [quiet] # 1"),
        ("on: push\n", GATE),
        ("name: [\n", "perfgate"),
        ("", "perfgate"),
        (gate_workflow(repository="a/b", suite="perfgate.yml", on_device=False), "perfgate"),
    ],
)
def test_workflows__the_second_waits_for_the_first_whatever_it_is_called(
    stands: str, name: str
) -> None:
    text = publish_workflow(repository="a/b", suite="perfgate.yml", gate=name_of(stands))
    assert yaml.safe_load(text)[True]["workflow_run"]["workflows"] == [name]


def test_yaml_of_the_template_is_not_only_a_comment() -> None:
    text, _ = written(from_benchmarks(found(), None))
    assert set(yaml.safe_load(text)) == {"version", "baselines", "gate", "cases"}
