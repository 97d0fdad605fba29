"""Every verdict word, every exit code and the sentences, from records as they come."""

import pytest

from perfgate.records import Origin, parse_decision, to_json
from perfgate.verdict.decide import decide
from tests.factories import a_case_record, a_launch, a_record, an_output

FAST = {"total": 1000, "TextEncodingStage": 50, "DenoisingStage": 800, "DecodingStage": 150}
SLOW = {**FAST, "total": 1060, "DecodingStage": 210}


def the_case(record, **known):
    return decide(record, **known).cases[0]


def test_passed():
    decision = decide(a_record([a_case_record(base=[1000] * 3, head=[1001] * 3)]))
    assert (decision.verdict, decision.conclusion, decision.exit_code) == ("passed", "success", 0)
    assert decision.counts == {"passed": 1}
    assert decision.cost.launches == 7
    assert decision.cost.device_minutes == pytest.approx(0.7)
    assert decision.cases[0].pairs == 3
    assert decision.cases[0].sentence.startswith("+0.1 % (")
    assert "3 pairs; noise of this machine ±0.0 %" in decision.cases[0].sentence


def test_improved():
    decision = decide(a_record([a_case_record(base=[1000] * 5, head=[900] * 5)]))
    assert (decision.verdict, decision.exit_code) == ("improved", 0)
    assert decision.cases[0].sentence.startswith("\N{MINUS SIGN}10.0 % (")


def test_regressed__names_the_stage_and_what_it_accounts_for():
    decision = decide(a_record([a_case_record(base=[FAST] * 5, head=[SLOW] * 5)]))
    assert (decision.verdict, decision.conclusion, decision.exit_code) == (
        "regressed",
        "failure",
        1,
    )
    case = decision.cases[0]
    verdicts = {metric.name: metric.verdict for metric in case.metrics}
    assert verdicts["DecodingStage"] == "regressed"
    assert verdicts["end-to-end"] == "regressed"
    assert verdicts["DenoisingStage"] == "passed"
    assert case.sentence.startswith("DecodingStage +40.0 % (")
    assert "150 → 210 ms; end-to-end +6.0 % (" in case.sentence
    assert case.sentence.endswith("DecodingStage accounts for +60 of the +60 ms")


def test_inconclusive__after_the_last_pair_says_what_this_machine_decides():
    base, head = [1000, 900, 1100] * 4, [1010, 1100, 900] * 4
    decision = decide(a_record([a_case_record(base=base, head=head)]))
    assert decision.verdict == "inconclusive"
    assert "this machine cannot decide below" in decision.cases[0].sentence
    assert decision.cases[0].noise > 0.1


def test_inconclusive__when_the_budget_ended_says_so_and_what_is_missing():
    case = a_case_record(base=[1000] * 2, head=[1000] * 2, stopped="budget of 30 minutes spent")
    decided = the_case(a_record([case]))
    assert decided.verdict == "inconclusive"
    assert decided.detail == "budget of 30 minutes spent"
    assert decided.more_pairs == 1
    assert decided.sentence.endswith("undecided, about 1 more pair")


def test_inconclusive__when_a_stage_is_in_doubt_names_it():
    times = [1.25, 0.75, 1.25, 1.25, 0.8, 1.25, 1.2, 1.15, 0.9, 1.2, 1.2, 0.85]
    head = [{**FAST, "DecodingStage": 150 * by} for by in times]
    decided = the_case(a_record([a_case_record(base=[FAST] * 12, head=head)]))
    assert decided.verdict == "inconclusive"
    assert decided.sentence.endswith("undecided: DecodingStage")
    assert decided.more_pairs is None


def test_inconclusive__when_interrupted_before_the_first_pair():
    record = a_record([a_case_record(base=[], head=[])], interrupted="stopped by SIGTERM")
    decided = the_case(record)
    assert (decided.verdict, decided.detail) == ("inconclusive", "stopped by SIGTERM")


def test_inconclusive__with_half_a_pair_only():
    decided = the_case(a_record([a_case_record(base=[1000], head=[None])]))
    assert (decided.verdict, decided.detail) == ("inconclusive", "not one pair was measured")


def test_new__is_told_without_a_ratio():
    cases = [a_case_record("old"), a_case_record("new", base=[], origin=Origin.NEW)]
    decision = decide(a_record(cases))
    assert (decision.verdict, decision.conclusion, decision.exit_code) == ("new", "neutral", 0)
    new = decision.cases[1]
    assert new.sentence == "new: nothing to compare with yet; end-to-end 1.00 s"
    assert all(metric.ratio is None and metric.base is None for metric in new.metrics)


def test_a_changed_workload__is_incomparable_and_never_a_number():
    case = a_case_record(origin=Origin.WORKLOAD_CHANGED)
    decided = the_case(a_record([case, a_case_record("other")]))
    assert decided.verdict == "incomparable"
    assert decided.detail.startswith("the workload changed")
    assert all(metric.ratio is None and metric.base is None for metric in decided.metrics)


def test_missing__when_head_lost_a_judged_stage():
    lost = {name: ms for name, ms in FAST.items() if name != "DecodingStage"}
    record = a_record([a_case_record(base=[FAST] * 3, head=[lost] * 3)])
    decision = decide(record)
    assert (decision.verdict, decision.exit_code) == ("missing", 7)
    assert "DecodingStage: not measured on head" in decision.cases[0].sentence


def test_new__a_stage_that_only_head_has_is_told_and_not_held_against_it():
    more = {**FAST, "UpscalingStage": 30.0}
    decided = the_case(a_record([a_case_record(base=[FAST] * 3, head=[more] * 3)]))
    assert decided.verdict == "passed"
    (row,) = [metric for metric in decided.metrics if metric.name == "UpscalingStage"]
    assert (row.verdict, row.judged, row.reason) == ("new", False, "only head has it")


def test_missing__is_not_said_of_a_stage_too_small_to_judge():
    tiny = {**FAST, "InputValidationStage": 0.2}
    assert the_case(a_record([a_case_record(base=[tiny] * 3, head=[FAST] * 3)])).verdict == "passed"


def test_failed__tells_the_reason_and_the_end_of_the_log():
    died = a_launch(failure="exit status 1", log_tail="CUDA out of memory")
    decision = decide(a_record([a_case_record(base=[1000], head=[died], burn_in=1000)]))
    assert (decision.verdict, decision.conclusion, decision.exit_code) == ("failed", "failure", 4)
    assert decision.cases[0].detail == "launch failed: exit status 1"
    assert decision.cases[0].log_tail == "CUDA out of memory"


def test_failed__says_when_it_was_base():
    decided = the_case(a_record([a_case_record(base=["timed out after 600 s"], head=[1000])]))
    assert decided.detail == "launch failed: base: timed out after 600 s"


def test_failed__when_the_burn_in_died():
    decided = the_case(a_record([a_case_record(base=[], head=[], burn_in="exit status 137")]))
    assert (decided.verdict, decided.detail) == ("failed", "launch failed: exit status 137")


@pytest.mark.parametrize("origin", [Origin.NEW, Origin.WORKLOAD_CHANGED])
def test_failed__also_where_there_is_nothing_to_compare(origin):
    case = a_case_record(base=[], head=["exit status 1"], origin=origin)
    assert the_case(a_record([case])).verdict == "failed"


def test_failed__does_not_hide_a_regression_that_was_already_sure():
    case = a_case_record(base=[FAST] * 6, head=[*[SLOW] * 5, "exit status 1"])
    decided = the_case(a_record([case]))
    assert decided.verdict == "regressed"
    assert decided.detail == "then a launch failed: exit status 1"


def test_output_changed__fails_and_is_never_an_improvement():
    base = {**FAST, "output": an_output(DenoisingStage=0.5, DecodingStage=0.1)}
    head = {**FAST, "total": 700, "DenoisingStage": 500}
    head["output"] = an_output(DenoisingStage=0.5, DecodingStage=0.2)
    decision = decide(a_record([a_case_record(base=[base] * 5, head=[head] * 5)]))
    assert (decision.verdict, decision.exit_code) == ("failed", 1)
    case = decision.cases[0]
    assert case.output == "changed"
    assert case.detail.startswith("output changed: DecodingStage is where the outputs part")
    assert not [metric for metric in case.metrics if metric.verdict == "improved"]


def test_output_changed_with_permission__is_told_and_judged():
    base = {**FAST, "output": an_output("a" * 64)}
    head = {**FAST, "output": an_output("b" * 64)}
    case = a_case_record(
        base=[base] * 3, head=[head] * 3, allow={"output": "new sampler, reviewed in #12"}
    )
    decided = the_case(a_record([case]))
    assert (decided.verdict, decided.output) == ("passed", "allowed")
    assert "allowed: new sampler, reviewed in #12" in decided.sentence


def test_fewer_steps__is_another_work():
    base, head = {**FAST, "steps": [100] * 8}, {**FAST, "steps": [100] * 6}
    decided = the_case(a_record([a_case_record(base=[base] * 3, head=[head] * 3)]))
    assert decided.detail == "output changed: head ran 6 steps, base 8"


def test_memory__regresses_on_a_device_and_is_told_on_a_cpu():
    case = a_case_record(
        base=[{**FAST, "peak_memory_mb": 8000}] * 3, head=[{**FAST, "peak_memory_mb": 8400}] * 3
    )
    on_gpu = the_case(a_record([case], hardware_key="nvidia-h100-80gb-hbm3-x1"))
    assert on_gpu.verdict == "regressed"
    assert on_gpu.sentence.startswith("peak memory +5.0 %, 8000 → 8400 MiB; end-to-end")
    on_cpu = the_case(a_record([case]))
    memory = next(metric for metric in on_cpu.metrics if metric.name == "peak memory")
    assert on_cpu.verdict == "passed"
    assert (memory.judged, memory.unit) == (False, "MiB")
    assert memory.ratio == pytest.approx(1.05)


def test_memory__that_fell_as_much_is_improved():
    case = a_case_record(
        base=[{**FAST, "peak_memory_mb": 8400}] * 3, head=[{**FAST, "peak_memory_mb": 8000}] * 3
    )
    on_gpu = the_case(a_record([case], hardware_key="nvidia-h100-80gb-hbm3-x1"))
    assert {metric.name: metric.verdict for metric in on_gpu.metrics}["peak memory"] == "improved"


def test_a_stage_never_seen_on_both_sides_of_a_pair__is_not_decided():
    without = {name: ms for name, ms in FAST.items() if name != "DecodingStage"}
    base, head = [FAST, without] * 2, [without, FAST] * 2
    decided = the_case(a_record([a_case_record(base=base, head=head, burn_in=FAST)]))
    assert decided.verdict == "inconclusive"
    stage = next(metric for metric in decided.metrics if metric.name == "DecodingStage")
    assert stage.reason == "never measured on both sides of a pair"


def test_one_pair__tells_no_noise():
    decided = the_case(a_record([a_case_record(base=[1000], head=[1001])]))
    assert decided.noise is None
    assert "noise" not in decided.sentence


def test_nothing_measured__is_exit_4():
    decision = decide(a_record([]))
    assert (decision.verdict, decision.exit_code) == ("failed", 4)


def test_a_quiet_history__saves_a_pair():
    record = a_record([a_case_record(base=[1000] * 2, head=[1000] * 2)])
    assert the_case(record).verdict == "inconclusive"
    (case,) = record.cases
    quiet = case.model_copy(update={"history": (0.001, -0.001) * 5})
    assert the_case(a_record([quiet])).verdict == "passed"


def test_devices__count_in_device_minutes():
    case = a_case_record().model_copy(update={"workload": {"devices": 8}})
    assert decide(a_record([case])).cost.device_minutes == pytest.approx(9 * 0.1 * 8)


def test_a_decision__survives_its_file():
    decision = decide(a_record([a_case_record(base=[FAST] * 5, head=[SLOW] * 5)]))
    assert parse_decision(to_json(decision), source="decision.json") == decision


# --- strategy baseline ------------------------------------------------------------------------
