"""compare with sglang's own files: dumps, logs, and its baselines, through files."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from perfgate.app.compare import compare
from perfgate.errors import BaselineError, ConfigurationError
from perfgate.records import Decision, to_json
from perfgate.report.comment import render_comment
from perfgate.report.terminal import render_terminal
from tests.factories import a_case_record, a_fingerprint, a_record
from tests.repositories import perfgate

STAGES = {"TextEncodingStage": 400.0, "DenoisingStage": 5000.0, "DecodingStage": 320.0}
COMMIT = "a" * 40


def written(path: Path, data: object) -> Path:
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def a_dump(total: float = 6000.0, *, meta: dict[str, str] | None = None, **stages: float) -> Any:
    return {
        "timestamp": "2026-01-01T00:00:00",
        "commit_hash": COMMIT,
        "tag": "benchmark_dump",
        "total_duration_ms": total,
        "steps": [{"name": n, "duration_ms": ms} for n, ms in {**STAGES, **stages}.items()],
        "denoise_steps_ms": [{"step": i, "duration_ms": 100.0} for i in range(50)],
        "meta": {"model": "flux", "prompt": "a fox", **(meta or {})},
    }


def a_log(total: float = 6000.0, *, flagged: str = "DenoisingStage", **stages: float) -> str:
    line = {
        "tag": "pipeline_stage_metrics",
        "commit_hash": COMMIT,
        "stages": [
            {"name": n, "execution_time_ms": ms, "is_denoising": n == flagged}
            for n, ms in {**STAGES, **stages}.items()
        ],
        "steps": [100.0] * 50,
        "total_duration_ms": total,
        "memory_snapshots": {"load_peak": {"peak_reserved_mb": 32000.0}},
    }
    return json.dumps(line) + "\n"


def a_scenario(**changed: Any) -> dict[str, Any]:
    return {
        "stages_ms": STAGES,
        "denoise_step_ms": {str(i): 100.0 for i in range(50)},
        "expected_e2e_ms": 6000.0,
        "expected_avg_denoise_ms": 100.0,
        "expected_median_denoise_ms": 100.0,
        **changed,
    }


def a_baseline(**scenarios: Any) -> dict[str, Any]:
    return {"metadata": {"hardware": "CI pool"}, "scenarios": scenarios}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return written(tmp_path / "base.json", a_dump())


def told(decision: Decision) -> tuple[str, int]:
    return str(decision.verdict), decision.exit_code


class TestTwoDumps:
    def test_within_tolerance(self, tmp_path: Path, base: Path) -> None:
        decision = compare(base, written(tmp_path / "head.json", a_dump(7500.0)))
        assert told(decision) == ("passed", 0)
        assert (decision.strategy, decision.head.commit) == ("tolerance", COMMIT)

    def test_beyond_it__says_which_limit_and_that_no_error_rate_is_known(
        self, tmp_path: Path, base: Path
    ) -> None:
        decision = compare(base, written(tmp_path / "head.json", a_dump(7500.1)))
        assert told(decision) == ("regressed", 1)
        console = Console(file=io.StringIO(), width=120, _environ={})
        render_terminal(decision, console)
        for text in (console.file.getvalue(), render_comment(decision)):
            assert "no error rate" in text.splitlines()[0] + text.splitlines()[2]
            assert "7500 ms: tolerance 25 %, pad 20 ms" in text

    def test_a_stricter_profile(self, tmp_path: Path, base: Path) -> None:
        head = written(tmp_path / "head.json", a_dump(7000.0))
        assert told(compare(base, head)) == ("passed", 0)
        assert told(compare(base, head, profile="long_term")) == ("regressed", 1)
        with pytest.raises(ConfigurationError, match="no tolerance profile"):
            compare(base, head, profile="nightly")

    def test_of_another_model_are_not_compared(self, tmp_path: Path, base: Path) -> None:
        head = written(tmp_path / "head.json", a_dump(meta={"model": "wan"}))
        decision = compare(base, head)
        assert told(decision) == ("incomparable", 7)
        assert decision.cases[0].sentence == "another workload: model: flux → wan"
        assert decision.cases[0].metrics == ()

    def test_a_log_and_a_dump(self, tmp_path: Path, base: Path) -> None:
        log = written(tmp_path / "performance.log", a_log() + a_log(9000.0) + a_log(9000.0))
        assert told(compare(base, log)) == ("regressed", 1)


class TestAgainstAnSglangBaseline:
    def test_a_dump_and_its_scenario(self, tmp_path: Path, base: Path) -> None:
        both = a_baseline(flux_t2i=a_scenario(), wan_t2v=a_scenario(expected_e2e_ms=100.0))
        file = written(tmp_path / "h100.json", both)
        assert told(compare(file, base, scenario="flux_t2i")) == ("passed", 0)
        assert told(compare(file, base, scenario="wan_t2v")) == ("regressed", 1)

    def test_what_it_was_decided_with_is_told(self, tmp_path: Path, base: Path) -> None:
        file = written(tmp_path / "npu.json", a_baseline(flux_npu=a_scenario()))
        notes = compare(file, base).notes
        assert "npu.json holds no tolerances: those of sglang's H100 file were used" in notes
        assert "npu.json says of its figures: CI pool" in notes

    def test_the_scenario_must_be_named_and_known(self, tmp_path: Path, base: Path) -> None:
        both = a_baseline(flux_t2i=a_scenario(), wan_t2v=a_scenario())
        file = written(tmp_path / "h100.json", both)
        with pytest.raises(ConfigurationError, match="which of 2 scenarios") as refused:
            compare(file, base)
        assert "flux_t2i, wan_t2v" in refused.value.fix
        with pytest.raises(ConfigurationError, match="has no scenario 'sana'"):
            compare(file, base, scenario="sana")

    def test_a_log_tells_what_denoises_and_its_memory(self, tmp_path: Path) -> None:
        scenario = a_scenario(load_peak_vram_mb=31000.0)
        file = written(tmp_path / "h100.json", a_baseline(flux_t2i=scenario))
        log = written(tmp_path / "performance.log", a_log(flagged="TextEncodingStage"))
        rows = {row.name: row for row in compare(file, log).cases[0].metrics}
        assert "tolerance 25 %" in rows["TextEncodingStage"].reason
        assert "tolerance 80 %" in rows["DenoisingStage"].reason
        assert rows["load peak vram"].verdict == "regressed"

    def test_a_record__by_the_names_of_its_cases(self, tmp_path: Path) -> None:
        cases = [
            a_case_record(
                "flux_t2i", base=[], head=[{"total": 6000, **STAGES, "steps": [100] * 50}]
            ),
            a_case_record("sana", base=[], head=[1000]),
            a_case_record("wan_t2v", base=[], head=["exit status 1"]),
            a_case_record("ltx", base=[], head=[], burn_in=None),
        ]
        record = written(tmp_path / "record.json", to_json(a_record(cases)))
        stored = a_baseline(flux_t2i=a_scenario(), wan_t2v=a_scenario(), ltx=a_scenario())
        decision = compare(written(tmp_path / "h100.json", stored), record)
        assert {case.id: str(case.verdict) for case in decision.cases} == {
            "flux_t2i": "passed",
            "sana": "new",
            "wan_t2v": "failed",
            "ltx": "inconclusive",
        }
        assert (decision.hardware_key, decision.strategy) == ("cpu-test-x2", "tolerance")

    def test_a_record__takes_its_runners_override(self, tmp_path: Path) -> None:
        launch = {"total": 6000, **STAGES, "steps": [100] * 50}
        here = a_fingerprint().model_copy(update={"told": {"runner": "pool-b-7"}})
        record = a_record([a_case_record("one", base=[], head=[launch])], fingerprint=here)
        path = written(tmp_path / "record.json", to_json(record))
        stored = a_baseline(flux_t2i=a_scenario())
        stored["runner_overrides"] = {"pool-b": {"flux_t2i": {"expected_e2e_ms": 100.0}}}
        file = written(tmp_path / "b200.json", stored)
        assert told(compare(file, path, scenario="flux_t2i")) == ("regressed", 1)
        with pytest.raises(ConfigurationError, match="has none of the scenarios one"):
            compare(file, path)

    def test_a_file_that_cannot_be_trusted(self, tmp_path: Path, base: Path) -> None:
        broken = a_baseline(flux_t2i=a_scenario(expected_e2e_ms=-1.0))
        file = written(tmp_path / "h100.json", broken)
        with pytest.raises(BaselineError, match=r"flux_t2i\.expected_e2e_ms"):
            compare(file, base)


class TestAnythingElse:
    @pytest.fixture
    def files(self, tmp_path: Path, base: Path) -> dict[str, Path]:
        return {
            "dump": base,
            "sglang": written(tmp_path / "h100.json", a_baseline(x=a_scenario())),
            "record": written(tmp_path / "record.json", to_json(a_record())),
        }

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("dump", None),
            ("sglang", None),
            ("dump", "record"),
            ("record", "dump"),
            ("record", "sglang"),
            ("sglang", "sglang"),
        ],
    )
    def test_is_refused(self, files: dict[str, Path], one: str, other: str | None) -> None:
        with pytest.raises(ConfigurationError, match="where a record must be"):
            compare(files[one], files[other] if other else None)

    def test_a_scenario_where_none_is_meant(self, files: dict[str, Path]) -> None:
        with pytest.raises(ConfigurationError, match="--scenario is for"):
            compare(files["record"], None, scenario="x")

    @pytest.mark.parametrize(
        "text",
        ['{"total_duration_ms": -1, "steps": []}', '{"tag": "pipeline_stage_metrics"}', "[1]"],
    )
    def test_damaged_dumps(self, tmp_path: Path, base: Path, text: str) -> None:
        with pytest.raises(ConfigurationError):
            compare(base, written(tmp_path / "x.json", text))


def test_command_line(tmp_path: Path, base: Path) -> None:
    stored = a_baseline(flux_t2i=a_scenario(expected_e2e_ms=100.0))
    written(tmp_path / "h100.json", stored)
    done = perfgate(tmp_path, "compare", "h100.json", base.name, "--scenario", "flux_t2i", "--json")
    assert done.returncode == 1, done.stderr
    decision = json.loads(done.stdout)
    assert (decision["strategy"], decision["verdict"]) == ("tolerance", "regressed")
    done = perfgate(tmp_path, "compare", "h100.json", base.name, "--profile", "nightly")
    assert done.returncode == 2
    assert "no tolerance profile 'nightly'" in done.stderr
