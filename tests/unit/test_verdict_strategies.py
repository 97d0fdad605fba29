"""Deciding with stored jobs: the strategies ``baseline`` and ``auto``."""

from dataclasses import replace

import pytest

from perfgate.verdict.baseline import StoredJob, StoredJobs
from perfgate.verdict.decide import decide
from tests.factories import WORKLOAD, a_case_record, a_launch, a_record, an_output

FAST = {"total": 1000, "TextEncodingStage": 50, "DenoisingStage": 800, "DecodingStage": 150}
SLOW = {**FAST, "total": 1060, "DecodingStage": 210}


def the_case(record, **known):
    return decide(record, **known).cases[0]


def jobs(values, *, workload_hash=WORKLOAD, must_match=None, stages=True):
    """Stored jobs whose launches all took the job's value."""

    def metrics(value):
        shares = {"TextEncodingStage": 0.05, "DenoisingStage": 0.8, "DecodingStage": 0.15}
        inner = {name: value * share for name, share in shares.items()} if stages else {}
        return {"end-to-end": value, **inner, "median step": value / 10}

    return StoredJobs(
        workload_hash=workload_hash,
        must_match=must_match or {"torch": "2.13.0"},
        jobs=tuple(
            StoredJob(launches=(metrics(value), metrics(value)), burn_in=metrics(value))
            for value in values
        ),
    )


STEADY = [1000 + 2 * (k % 5) for k in range(12)]


def head_only(*head, **fields):
    return a_case_record(base=[], head=list(head), **fields)


def against(stored, *head, **policy):
    record = a_record([head_only(*head)], strategy="baseline", **policy)
    return the_case(record, baselines={"wan_t2v_tiny": stored})


def test_baseline__passes_the_same_time():
    decided = against(jobs(STEADY), 1003, 1004)
    assert decided.verdict == "passed"
    assert "2 launches against 12 jobs; spread between jobs ±0.3 %" in decided.sentence


def test_baseline__blocks_a_slowdown():
    decided = against(jobs(STEADY), 1100, 1102)
    assert decided.verdict == "regressed"
    assert decided.metrics[0].base == pytest.approx(1004, abs=3)


def test_baseline__says_improved():
    assert against(jobs(STEADY), 800, 801).verdict == "improved"


def test_baseline__does_not_accuse_below_the_margin_however_sure():
    assert against(jobs([1000, 1000, 1000, 1001] * 10), 1020, 1020).verdict != "regressed"


@pytest.mark.parametrize(
    ("held", "says"), [(1, "holds 1 job, needs 3 or more"), (2, "holds 2 jobs, needs 3 or more")]
)
def test_baseline__with_too_few_jobs_decides_nothing(held, says):
    decided = against(jobs(STEADY[:held]), 2000, 2000)
    assert decided.verdict == "inconclusive"
    assert says in decided.sentence


def test_baseline__that_scatters_says_what_it_cannot_decide():
    scattered = against(jobs([1000, 1200, 900, 1100, 950]), 1100, 1100)
    assert scattered.verdict == "inconclusive"
    assert "the baseline holds 5 jobs, which cannot decide below" in scattered.sentence
    close = against(jobs([1000, 1008, 992, 1004]), 1025, 1025)
    assert "the baseline holds 4 jobs, needs about" in close.sentence


def test_baseline__of_another_machine_or_workload_is_incomparable():
    other = against(jobs(STEADY, must_match={"torch": "2.12.0"}), 1000, 1000)
    assert (other.verdict, other.detail) == (
        "incomparable",
        "the baseline is of another machine: torch 2.12.0 → 2.13.0",
    )
    assert against(jobs(STEADY, workload_hash="f" * 16), 1000).detail == (
        "the baseline is of another workload"
    )


def test_baseline__that_does_not_exist_makes_the_case_new_and_the_gate_undecided():
    decision = decide(a_record([head_only(1000)], strategy="baseline"))
    assert decision.cases[0].detail == "no baseline for cpu-test-x2 yet"
    assert (decision.verdict, decision.exit_code) == ("new", 7)


def test_baseline__misses_a_stage_that_it_knows():
    lost = {name: ms for name, ms in FAST.items() if name != "DecodingStage"}
    decided = against(jobs([1000.0] * 5), lost, lost)
    assert decided.verdict == "missing"


def test_baseline__without_a_launch_is_inconclusive():
    record = a_record([head_only(burn_in=1000)], strategy="baseline")
    assert the_case(record, baselines={"wan_t2v_tiny": jobs(STEADY)}).verdict == "inconclusive"


def test_baseline__judges_stages_small_stages_and_memory_as_pairs_do():
    def launch(decoding=150.0, memory=8000.0):
        return {
            "end-to-end": 1000.0,
            "DenoisingStage": 800.0,
            "DecodingStage": decoding,
            "TinyStage": 0.5,
            "peak memory": memory,
        }

    stored = StoredJobs(
        workload_hash=WORKLOAD,
        must_match={"torch": "2.13.0"},
        jobs=tuple(StoredJob(launches=(launch(150 + k % 3),)) for k in range(12)),
    )
    head = {**FAST, "steps": [], "TinyStage": 0.7, "DecodingStage": 200, "peak_memory_mb": 8400}
    head.pop("TextEncodingStage")
    for key, memory in [("cpu-test-x2", "passed"), ("nvidia-h100-80gb-hbm3-x1", "regressed")]:
        decided = against(stored, head, head, hardware_key=key)
        words = {metric.name: metric.verdict for metric in decided.metrics}
        assert words["DecodingStage"] == "regressed"
        assert words["end-to-end"] == "passed"
        assert words["TinyStage"] == "passed"
        assert words["peak memory"] == memory
        assert decided.sentence.startswith("DecodingStage +3")


def test_baseline__with_a_doubtful_stage_names_it():
    stored = jobs([1000, 1040, 960, 1020, 980, 1010, 990, 1000])
    head = {**FAST, "DecodingStage": 168}
    decided = against(stored, head, head)
    assert decided.verdict == "inconclusive"
    assert "undecided: end-to-end" in decided.sentence
    words = {metric.name: metric.verdict for metric in decided.metrics}
    assert words["DecodingStage"] in ("inconclusive", "regressed")


@pytest.mark.parametrize("strategy", ["baseline", "auto"])
def test_a_failed_head_launch__is_failed_under_every_strategy(strategy):
    record = a_record([head_only("exit status 1", burn_in=1000)], strategy=strategy)
    decided = the_case(record, baselines={"wan_t2v_tiny": jobs(STEADY)})
    assert (decided.verdict, decided.detail) == ("failed", "launch failed: exit status 1")


# --- strategy auto ----------------------------------------------------------------------------


def test_auto__passes_by_the_screen_on_two_launches():
    record = a_record([head_only(1003, burn_in=1004)], strategy="auto")
    decision = decide(record, baselines={"wan_t2v_tiny": jobs(STEADY)})
    assert decision.verdict == "passed"
    assert decision.cost.launches == 2
    assert "against 12 jobs of the baseline, 2 launches" in decision.cases[0].sentence


@pytest.mark.parametrize(
    ("stored", "head"),
    [
        (jobs(STEADY), 1050),  # slower: the screen never blocks, pairs must decide
        (jobs(STEADY[:9]), 1003),  # fewer than ten jobs
        (jobs(STEADY, must_match={"torch": "2.12.0"}), 1003),
        (jobs(STEADY, workload_hash="f" * 16), 1003),
    ],
)
def test_auto__leaves_to_pairs_what_the_screen_may_not_pass(stored, head):
    record = a_record([head_only(head, burn_in=head)], strategy="auto")
    assert the_case(record, baselines={"wan_t2v_tiny": stored}).verdict == "inconclusive"


def test_auto__decides_by_pairs_once_base_was_launched():
    record = a_record([a_case_record(base=[1000] * 5, head=[1100] * 5)], strategy="auto")
    assert the_case(record, baselines={"wan_t2v_tiny": jobs(STEADY)}).verdict == "regressed"


def test_auto__falls_back_to_the_baseline_without_a_base_and_says_so():
    record = a_record([head_only(1100, 1101)], strategy="auto", base=None)
    decision = decide(record, baselines={"wan_t2v_tiny": jobs(STEADY)})
    assert decision.verdict == "regressed"
    assert decision.notes == ("there is no base to measure, so the baseline decides",)


def producing(**launch):
    """The steady jobs, of which the newest kept what a launch computed."""
    return replace(jobs(STEADY), newest=a_launch("base", **launch))


def auto(stored, *head, **fields):
    case = head_only(*head, **fields)
    return the_case(a_record([case], strategy="auto"), baselines={"wan_t2v_tiny": stored})


HERE = an_output(DenoisingStage=0.5)
ELSEWHERE = HERE.model_copy(update={"build": "torch, job of yesterday", "sha256": "b" * 64})


class TestOutputs:
    def test_the_newest_jobs_output__is_what_heads_is_held_to(self):
        decided = against(producing(output=ELSEWHERE), *[{"output": HERE}] * 2)
        assert (decided.verdict, decided.output) == ("passed", "same")

    @pytest.mark.parametrize("total", [800, 1000, 1100])
    def test_another_output__fails_and_is_never_improved(self, total):
        changed = an_output(DenoisingStage=0.7)
        decided = against(producing(output=ELSEWHERE), *[{"total": total, "output": changed}] * 2)
        assert (decided.verdict, decided.output) == ("failed", "changed")
        assert decided.detail == (
            "output changed: DenoisingStage is where the outputs part: 0.2 of its scale apart "
            "(beside the baseline's newest job)"
        )
        assert "improved" not in {metric.verdict for metric in decided.metrics}

    def test_fewer_steps__are_another_work(self):
        decided = against(producing(steps=[100] * 8), *[{"steps": [100] * 6}] * 2)
        assert decided.detail.startswith("output changed: head ran 6 steps, base 8")

    def test_with_permission__it_is_told_and_judged(self):
        case = head_only(
            *[{"output": an_output(DenoisingStage=0.7)}] * 2, allow={"output": "new sampler, #12"}
        )
        record = a_record([case], strategy="baseline")
        stored = producing(output=ELSEWHERE)
        decided = the_case(record, baselines={"wan_t2v_tiny": stored})
        assert (decided.verdict, decided.output) == ("passed", "allowed")
        assert decided.warnings[0].endswith("; allowed: new sampler, #12")

    def test_a_baseline_that_keeps_none__checks_none(self):
        decided = against(jobs(STEADY), *[{"output": HERE}] * 2)
        assert (decided.verdict, decided.output, decided.warnings) == ("passed", "not checked", ())

    def test_operations_left_out__are_asked_about(self):
        decided = against(producing(flops=1e12), {"flops": 0.5e12}, 1003)
        assert decided.warnings[0].startswith("head executes 50 % of")

    def test_the_screen__passes_the_same_output_alone(self):
        stored = producing(output=ELSEWHERE)
        passed = auto(stored, {"output": HERE})
        assert (passed.verdict, passed.output) == ("passed", "same")
        other = auto(stored, {"output": an_output(DenoisingStage=0.7)})
        assert other.verdict == "inconclusive", "pairs would look at base's own output"
