"""A case's judge: the hierarchy, naming the stage, memory, and agreement with the decision."""

import numpy as np
import pytest

from perfgate.records import GatePolicy
from perfgate.verdict.decide import decide
from perfgate.verdict.hierarchy import hierarchy_of, plan_hierarchy
from perfgate.verdict.judge import CaseJudge
from perfgate.verdict.metrics import launch_metrics
from perfgate.verdict.rows import pair_rows
from perfgate.verdict.sequential import Policy, SequentialGate
from tests.factories import a_case_record, a_launch, a_record, an_output

STAGES = {"TextEncodingStage": 50.0, "DenoisingStage": 800.0, "DecodingStage": 150.0}


def times(rng=None, *, noise=0.01, total=None, **slower):
    """What one launch takes; ``slower`` multiplies stages."""
    scatter = rng.normal(0, noise, len(STAGES)) if rng is not None else np.zeros(len(STAGES))
    stages = {
        name: ms * slower.get(name, 1.0) * float(np.exp(d))
        for (name, ms), d in zip(STAGES.items(), scatter, strict=True)
    }
    return {"total": sum(stages.values()) if total is None else total, **stages}


def a_judge(*, on_device=False, allow=None, burn_in=None, permitted=(), **policy):
    policy = GatePolicy(**policy)
    launch = burn_in or a_launch("head", None, **times())
    hierarchy = plan_hierarchy(policy=policy, burn_ins={"wan": launch}, on_device=on_device)
    return CaseJudge(
        case_id="wan", policy=policy, hierarchy=hierarchy, allow=allow, permitted=permitted
    )


def measure(judge, base, head):
    """Feed the judge what two functions of the pair return, until it stops."""
    while judge.state == "continue":
        pair = len(judge.pairs)
        judge.observe(a_launch("base", pair, **base(pair)), a_launch("head", pair, **head(pair)))
    return judge


def always(**what):
    return lambda _: what


def scattered(rng, **what):
    return lambda _: times(rng, **what)


class TestAPermittedSlowdown:
    def slower(self, permitted, seed=3):
        rng = np.random.default_rng(seed)
        base, head = scattered(rng), scattered(rng, DecodingStage=1.6)
        return measure(a_judge(permitted=permitted), base, head)

    def test_it_does_not_end_the_case_before_the_rest_is_decided(self):
        judge, strict = self.slower({"DecodingStage"}), self.slower(())
        assert strict.state == "regressed"
        assert len(judge.pairs) >= len(strict.pairs)
        assert not judge.accuses_only_the_permitted or judge.gate("end-to-end").passes()

    def test_with_all_that_is_slower_permitted__the_rest_passes(self):
        judge = self.slower({"DecodingStage", "end-to-end"})
        assert judge.state == "regressed"
        assert judge.accuses_only_the_permitted
        words = {row.name: row.verdict for row in pair_rows(judge)}
        assert {words.pop(name) for name in judge.accused} == {"regressed"}
        assert set(words.values()) <= {"passed", "improved"}

    def test_where_more_is_slower__nothing_changes(self):
        assert not self.slower({"TextEncodingStage"}).accuses_only_the_permitted


def test_the_plan__counts_what_is_judged_over_all_cases():
    flux = a_launch("head", None, total=1000, DenoisingStage=900, TinyStage=4, DecodingStage=8)
    plan = plan_hierarchy(
        policy=GatePolicy(),
        burn_ins={"wan": a_launch("head", None, **times()), "flux": flux},
        on_device=False,
    )
    assert plan.primaries == 2
    assert plan.secondaries_of("wan") == 4  # three stages and the median step
    assert plan.secondaries_of("flux") == 2
    assert plan.plans["flux"]["TinyStage"].why_not_judged == "under 5 ms"
    assert plan.plans["flux"]["DecodingStage"].why_not_judged == "under 1 % of end-to-end"
    assert plan.primary_level == pytest.approx(0.8 * 0.01 / 2)
    assert plan.secondary_level == pytest.approx(0.2 * 0.01 / 6)
    assert plan.level_after_block("wan") == pytest.approx(0.8 * 0.01 / 2 / 4)


def test_a_launch__is_the_median_of_its_requests_and_leaves_out_what_did_not_run():
    launch = a_launch(total=10, requests=2, DenoisingStage=9, load=3, Skipped=0, load_ms=7)
    found = launch_metrics(launch)
    assert found == {"end-to-end": 10, "DenoisingStage": 9, "load (stage)": 3, "load": 7} | {
        "median step": pytest.approx(9 / 8)
    }


def test_equal_sides__pass():
    judge = measure(a_judge(), always(**times()), always(**times()))
    assert judge.state == "passed"
    assert len(judge.pairs) == 3
    assert judge.so_far.pairs == 3
    assert judge.so_far.ratio == pytest.approx(1.0)


def test_before_the_first_pair__there_is_nothing_to_tell():
    assert a_judge().so_far is None


def test_a_slower_stage__is_named_ten_times_out_of_ten():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        judge = measure(a_judge(), scattered(rng), scattered(rng, DecodingStage=1.2))
        assert judge.state == "regressed"
        assert "DecodingStage" in judge.accused


def slower_decoding(extra):
    """Pairs in which end-to-end is steadily 8 % slower, and decoding by ``extra`` milliseconds."""
    judge, told = a_judge(), []
    while judge.state == "continue":
        pair = len(judge.pairs)
        base = {"total": 1000.0, "DenoisingStage": 800.0, "DecodingStage": 150.0}
        head = {**base, "total": 1080.0, "DecodingStage": 150.0 + extra[pair]}
        state = judge.observe(a_launch("base", pair, **base), a_launch("head", pair, **head))
        told.append((state, sorted(judge.accused)))
    return told


def test_once_end_to_end_is_blocked__more_pairs_name_the_stage():
    assert slower_decoding([60, 20, 50, 25, 55, 60, 55, 60])[4:] == [
        ("continue", ["end-to-end"]),
        ("continue", ["end-to-end"]),
        ("regressed", ["DecodingStage", "end-to-end"]),
    ]


def test_once_end_to_end_is_blocked__at_most_three_more_pairs_are_spent_on_a_name():
    assert slower_decoding([60, -20, 40, 20, 60, -10, 40, 50])[4:] == [
        ("continue", ["end-to-end"]),
        ("continue", ["end-to-end"]),
        ("continue", ["end-to-end"]),
        ("regressed", ["end-to-end"]),
    ]


def test_a_slower_whole_whose_stages_grew_alike__asks_for_no_more_pairs():
    judge = measure(
        a_judge(stage_margin=0.30),
        always(**times()),
        always(**times(TextEncodingStage=1.05, DenoisingStage=1.05, DecodingStage=1.05)),
    )
    assert judge.state == "regressed"
    assert judge.accused == {"end-to-end"}
    assert len(judge.pairs) <= 5


def test_a_stage_alone__blocks_the_case():
    judge = measure(
        a_judge(),
        always(**times()),
        always(**times(TextEncodingStage=1.3, total=1000.0)),
    )
    assert judge.state == "regressed"
    assert judge.accused == {"TextEncodingStage"}


def test_a_doubtful_stage__keeps_the_case_from_passing():
    slower = [1.25, 0.75, 1.25, 1.25, 0.8, 1.25, 1.2, 1.15, 0.9, 1.2, 1.2, 0.85]
    judge = measure(
        a_judge(),
        always(**times(total=1000.0)),
        lambda pair: times(total=1000.0, DecodingStage=slower[pair]),
    )
    assert judge.state == "inconclusive"
    assert judge.doubtful() == ["DecodingStage"]
    assert judge.so_far.more_pairs == 0  # end-to-end itself is decided


@pytest.mark.parametrize(
    ("base_mib", "head_mib", "on_device", "state"),
    [
        (10_000, 10_200, True, "regressed"),
        (10_000, 10_200, False, "passed"),
        (10_000, 10_100, True, "passed"),  # under 128 MiB
        (20_000, 20_190, True, "passed"),  # under 1 %
    ],
)
def test_memory__is_judged_on_devices_by_two_limits(base_mib, head_mib, on_device, state):
    burn_in = a_launch("head", None, peak_memory_mb=head_mib, **times())
    judge = measure(
        a_judge(on_device=on_device, burn_in=burn_in),
        always(peak_memory_mb=base_mib, **times()),
        always(peak_memory_mb=head_mib, **times()),
    )
    assert judge.state == state


def test_a_slow_load__is_regressed_beyond_its_own_margin():
    judge = measure(
        a_judge(burn_in=a_launch("head", None, load_ms=900, **times())),
        always(load_ms=500, **times()),
        always(load_ms=900, **times()),
    )
    assert judge.state == "regressed"
    assert judge.accused == {"load"}


def test_a_failed_launch__ends_the_case():
    judge = a_judge()
    assert judge.observe(a_launch("base"), a_launch("head", failure="exit status 1")) == "failed"
    assert judge.failure.failure == "exit status 1"


def test_a_launch_without_a_report__is_a_failed_one():
    judge = a_judge()
    assert judge.observe(a_launch("base"), a_launch("head", reports=[])) == "failed"


def test_another_output__ends_the_case_unless_it_is_allowed():
    one, other = an_output(DenoisingStage=0.5), an_output(DenoisingStage=0.6)
    for allow, state in [(None, "failed"), ({"output": "new sampler, #12"}, "continue")]:
        judge = a_judge(allow=allow, burn_in=a_launch("head", None, output=other))
        judge.observe(a_launch("base", output=one), a_launch("head", output=other))
        assert judge.state == state
    assert judge.output.state == "allowed"


def test_a_stage_that_no_burn_in_had__is_shown_but_cannot_block():
    judge = measure(
        a_judge(),
        always(**times(total=1000.0), SurpriseStage=100.0),
        always(**times(total=1000.0), SurpriseStage=200.0),
    )
    assert judge.state == "passed"
    assert judge.plan("SurpriseStage").why_not_judged == "the burn-in launch did not have it"


def test_the_decision__agrees_with_the_live_judge():
    seen = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        slowdown = (1.0, 1.05, 1.12, 1.3)[seed % 4]
        burn_in = times(rng, DecodingStage=slowdown)
        judge = a_judge(burn_in=a_launch("head", None, **burn_in), max_pairs=6)
        measure(
            judge,
            scattered(rng, noise=0.04),
            scattered(rng, noise=0.04, DecodingStage=slowdown),
        )
        case = a_case_record(
            "wan",
            base=[base for base, _ in judge.pairs],
            head=[head for _, head in judge.pairs],
            burn_in=burn_in,
        )
        record = a_record([case], max_pairs=6)
        assert hierarchy_of(record).plans == judge.hierarchy.plans
        decided = decide(record).cases[0]
        said = "passed" if decided.verdict == "improved" else decided.verdict
        assert said == judge.state
        assert decided.pairs == len(judge.pairs)
        seen.add(judge.state)
    assert seen == {"passed", "regressed", "inconclusive"}


def test_sixty_metrics_that_did_not_change__are_not_blocked():
    """Six cases of ten metrics: the suite's one rate holds over all of them together."""
    stages = {f"Stage{k}": 100.0 for k in range(8)}
    blocked, passed, trials = 0, 0, 60
    for trial in range(trials):
        rng = np.random.default_rng(1000 + trial)

        def launch(side, pair, rng=rng):
            level = rng.normal(0, 0.007)
            ms = {k: v * float(np.exp(level + rng.normal(0, 0.01))) for k, v in stages.items()}
            return a_launch(side, pair, total=sum(ms.values()), steps=[ms["Stage0"] / 4] * 4, **ms)

        cases = [f"case{k}" for k in range(6)]
        policy = GatePolicy()
        hierarchy = plan_hierarchy(
            policy=policy,
            burn_ins={case: launch("head", None) for case in cases},
            on_device=False,
        )
        states = []
        for case in cases:
            judge = CaseJudge(case_id=case, policy=policy, hierarchy=hierarchy)
            while judge.state == "continue":
                judge.observe(launch("base", len(judge.pairs)), launch("head", len(judge.pairs)))
            states.append(judge.state)
        blocked += "regressed" in states
        passed += all(state == "passed" for state in states)
    assert blocked <= 1
    assert passed >= 0.95 * trials


def test_after_the_last_pair__the_sign_test_has_no_second_look():
    wild = [-0.02, 0.05, 0.9, 0.04, 0.7, 0.06, 0.8, 0.05, 0.6, 0.9, 0.05, 0.7]
    shorter = SequentialGate(Policy(max_pairs=8, false_block=0.005))
    whole = SequentialGate(Policy(max_pairs=12, false_block=0.005))
    for difference in wild:
        shorter.add(1.0, float(np.exp(difference)))
        whole.add(1.0, float(np.exp(difference)))
    assert whole.e_block < whole.policy.block_at
    assert whole.blocks(), "11 of 12 slower, at its last pair"
    assert not shorter.blocks(), "its look was at the eighth"
