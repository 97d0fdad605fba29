"""Less work than base: a score below its minimum fails, operations left out are asked about."""

import pytest

from perfgate.records import Accuracy, Origin
from perfgate.verdict.decide import decide
from tests.factories import a_case_record, a_record, an_output

GOOD = Accuracy(score=0.95, minimum=0.9)
BAD = Accuracy(score=0.87, minimum=0.9)
REVIEWED = {"output": "distilled, reviewed in #12"}


def a_decision(case, **policy):
    return decide(a_record([case], **policy))


def faster(**case):
    """Head is 20 % faster; without more it left no output."""
    return a_case_record(base=[1000] * 5, head=[800] * 5, **case)


class TestAccuracy:
    def test_a_good_score__counts_as_a_check(self):
        decided = a_decision(faster(accuracy=GOOD)).cases[0]
        assert (decided.verdict, decided.output) == ("improved", "same")

    def test_without_it_and_without_outputs__nothing_was_checked(self):
        assert a_decision(faster()).cases[0].output == "not checked"

    def test_the_minimum_itself__is_enough(self):
        decided = a_decision(faster(accuracy=Accuracy(score=0.9, minimum=0.9))).cases[0]
        assert decided.verdict == "improved"

    @pytest.mark.parametrize("head", [800, 1000, 1300])
    def test_below_the_minimum__fails_whatever_the_times_say(self, head):
        case = a_case_record(base=[1000] * 5, head=[head] * 5, accuracy=BAD)
        decision = a_decision(case)
        assert (decision.verdict, decision.exit_code, decision.conclusion) == (
            "failed",
            1,
            "failure",
        )
        (decided,) = decision.cases
        assert decided.output == "changed"
        assert decided.detail == "output changed: accuracy 0.87 is below 0.9"
        assert "improved" not in {metric.verdict for metric in decided.metrics}

    def test_no_score__fails_with_its_reason(self):
        unknown = Accuracy(minimum=0.9, failure="the score command exited with 3: no file")
        decided = a_decision(faster(accuracy=unknown)).cases[0]
        assert decided.verdict == "failed"
        assert decided.sentence == (
            "output changed: accuracy is unknown, the score command exited with 3: no file"
        )

    def test_with_permission__it_is_told_and_judged(self):
        decided = a_decision(faster(accuracy=BAD, allow=REVIEWED)).cases[0]
        assert (decided.verdict, decided.output) == ("improved", "allowed")
        assert decided.sentence.endswith(
            "; output changed: accuracy 0.87 is below 0.9; allowed: distilled, reviewed in #12"
        )

    def test_an_output_that_was_allowed_to_change__stays_so_with_a_good_score(self):
        base, head = {"output": an_output("a" * 64)}, {"output": an_output("b" * 64)}
        case = a_case_record(base=[base] * 3, head=[head] * 3, allow=REVIEWED, accuracy=GOOD)
        assert a_decision(case).cases[0].output == "allowed"

    def test_a_launch_that_died__is_not_called_a_changed_output(self):
        case = a_case_record(base=[1000], head=["exit status 1"], accuracy=BAD)
        decision = a_decision(case)
        assert (decision.cases[0].output, decision.exit_code) == ("not checked", 4)

    def test_a_new_case__is_held_to_its_minimum_too(self):
        case = a_case_record(base=[], head=[1000] * 3, origin=Origin.NEW, accuracy=BAD)
        assert a_decision(case).exit_code == 1


def counted(flops, *, launches=5, **report):
    """Launches of which the first counted its operations."""
    return [{**report, "flops": flops}, *[{**report}] * (launches - 1)]


def warnings(base, head, **case):
    record = a_case_record(base=base, head=head, burn_in=None, **case)
    return a_decision(record).cases[0].warnings


class TestFlops:
    def test_fewer__are_asked_about_and_change_no_verdict(self):
        base, head = counted(1e12), counted(0.91e12, total=800)
        decision = a_decision(a_case_record(base=base, head=head, burn_in=None))
        assert (decision.verdict, decision.exit_code) == ("improved", 0)
        (told,) = decision.cases[0].warnings
        assert told.startswith("head executes 91 % of base's floating-point operations: say why")
        assert 'allow: {flops: "why"} at the case, on the base branch' in told

    def test_with_a_reason__it_is_told(self):
        told = warnings(counted(1e12), counted(0.5e12), allow={"flops": "cached, #7"})
        assert told == (
            "head executes 50 % of base's floating-point operations; allowed: cached, #7",
        )

    @pytest.mark.parametrize("share", [0.98, 0.9999, 1.0, 1.5])
    def test_almost_as_many_or_more__need_no_reason(self, share):
        assert warnings(counted(1e12), counted(share * 1e12)) == ()

    def test_just_too_few__do_not_read_as_enough(self):
        (told,) = warnings(counted(1e12), counted(0.979e12))
        assert told.startswith("head executes 97.9 % of")

    @pytest.mark.parametrize(("base", "head"), [(None, 1e12), (1e12, None), (0.0, 0.0)])
    def test_what_was_not_counted__is_not_compared(self, base, head):
        assert warnings(counted(base), counted(head)) == ()

    def test_nothing_executed__is_told(self):
        (told,) = warnings(counted(1e12), counted(0.0))
        assert told.startswith("head executes 0 % of")

    def test_heads_burn_in__is_its_first_launch(self):
        burn_in = {"flops": 0.5e12}
        case = a_case_record(base=counted(1e12), head=[1000] * 5, burn_in=burn_in)
        (told,) = a_decision(case).cases[0].warnings
        assert told.startswith("head executes 50 % of")


CHANGES = [
    pytest.param({"steps": [80] * 6}, id="fewer steps"),
    pytest.param({"output": an_output(DenoisingStage=0.9)}, id="another output"),
    pytest.param({"output": None}, id="no output"),
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("strategy", ["paired", "auto"])
def test_a_changed_output__is_never_improved(change, strategy):
    base = {"total": 1000, "steps": [100] * 8, "output": an_output(DenoisingStage=0.5)}
    head = {**base, "total": 700, **change}
    decision = a_decision(a_case_record(base=[base] * 6, head=[head] * 6), strategy=strategy)
    assert (decision.verdict, decision.exit_code) == ("failed", 1)
    words = {metric.verdict for case in decision.cases for metric in case.metrics}
    assert "improved" not in words
    assert decision.cases[0].detail.startswith("output changed: ")


class TestTold:
    def test_an_output_that_base_does_not_repeat__is_a_warning(self):
        base = [{"output": an_output(str(index) * 64)} for index in range(3)]
        head = [{"output": an_output("f" * 64)}] * 3
        decided = a_decision(a_case_record(base=base, head=head)).cases[0]
        assert decided.output == "not checked"
        assert decided.warnings == (
            "outputs were not compared: base's own launches differ in output",
        )

    def test_a_permission_that_was_used__is_a_warning(self):
        base, head = {"output": an_output("a" * 64)}, {"output": an_output("b" * 64)}
        case = a_case_record(base=[base] * 3, head=[head] * 3, allow=REVIEWED)
        (told,) = a_decision(case).cases[0].warnings
        assert told == (
            "output changed: the final output differs; allowed: distilled, reviewed in #12"
        )

    def test_nothing_to_check__is_no_warning(self):
        assert a_decision(faster()).cases[0].warnings == ()
