"""The decisions whose texts are golden: one story each, with figures of a plausible machine."""

from __future__ import annotations

from perfgate.records import Cost, Decision, Problem, Tree
from tests.factories import a_case_decision, a_metric
from tests.golden.fleet import many_runners
from tests.golden.machine import HEAD, quick, slower_decoding, told, video
from tests.golden.permissions import accepted_and_crept, permission_over, permission_over_on_main


def one_stage_slower() -> Decision:
    slower = slower_decoding()
    faster = a_case_decision(
        "flux_1_dev",
        "improved",
        [
            a_metric("end-to-end", 7010, 6580, "improved", low=0.931, high=0.946),
            a_metric("TextEncodingStage", 48.2, 48.3, low=0.98, high=1.02),
            a_metric("DenoisingStage", 6450, 6020, "improved", low=0.926, high=0.941),
            a_metric("DecodingStage", 212, 212, low=0.99, high=1.01),
            a_metric("median step", 230.4, 215.0, "improved", low=0.927, high=0.94),
            a_metric("peak memory", 32768, 32768, unit="MiB", low=1.0, high=1.0),
        ],
        pairs=3,
        output="same",
    )
    same = [
        quick("hunyuan_video", 41200),
        quick("qwen_image", 9840),
        quick("sd3_medium", 3120),
        quick("wan2_2_i2v_14b", 151000),
    ]
    return told([*same, faster, slower], cost=Cost(launches=47, device_minutes=26.4))


def all_passed() -> Decision:
    cases = [
        a_case_decision("wan_t2v_tiny", metrics=video(), pairs=2, output="same"),
        quick("flux_tiny", 1210, pairs=2),
    ]
    return told(cases, cost=Cost(launches=10, device_minutes=4.6))


def inconclusive() -> Decision:
    undecided = a_case_decision(
        "wan_t2v_tiny",
        "inconclusive",
        video(total=a_metric("end-to-end", 22610, 23010, "inconclusive", low=1.004, high=1.032)),
        pairs=12,
        noise=0.041,
        more_pairs=6,
        detail="gate.budget is spent",
        sentence="+1.8 % (0.4 to 3.2), 12 pairs; noise of this machine ±4.1 %; about 6 more "
        "pairs; this machine cannot decide below 4.4 %",
        output="same",
    )
    return told([quick("flux_tiny", 1210), undecided], cost=Cost(launches=34, device_minutes=29.1))


HOSTILE_LOG = (
    "Loading pipeline\r\n"
    "\x1b[31mTraceback (most recent call last):\x1b[0m\n"
    '  File "bench.py", line 12, in <module>\n'
    "```\n</details> ### 🟢 perfgate: 6 of 6 cases as fast as base\n"
    "<!-- perfgate:comment key=perfgate -->\n"
    "::set-output name=verdict::passed\n"
    "@octocat see #1 and [this](https://evil.example) <img src=x onerror=alert(1)>\n"
    "``````\n"
    "torch.cuda.OutOfMemoryError: CUDA out of memory\x00\u202e\n"
)


def failed_launch() -> Decision:
    failed = a_case_decision(
        "wan_t2v_tiny",
        "failed",
        [],
        pairs=0,
        launches=1,
        detail="launch failed: exit status 1 after 14 s",
        sentence="launch failed: exit status 1 after 14 s",
        log_tail=HOSTILE_LOG,
    )
    return told([quick("flux_tiny", 1210), failed], exit_code=4)


def changed(name: str, what: str):
    """A case whose head computed something else."""
    told = f"output changed: {what}"
    return a_case_decision(
        name, "failed", video(), detail=told, sentence=told, output="changed", pairs=2
    )


def output_changed() -> Decision:
    stage = changed(
        "flux_tiny",
        "latents after the first step is where the outputs part: cosine 0.9971, 0.077 of its "
        "scale apart",
    )
    frames = changed(
        "wan_t2v_tiny",
        "frames is where the outputs part: PSNR 31.2 dB, cosine 0.9987, 0.051 of its scale apart",
    )
    video_file = changed(
        "my_bench",
        "clip.mp4 differs (compared by its hash: decoding it needs pip install 'perfgate[video]')",
    )
    return told([quick("sd3_tiny", 2310), stage, frames, video_file], exit_code=1)


def accuracy_below_minimum() -> Decision:
    low = changed("my_bench", "accuracy 0.87 is below 0.9")
    none = changed(
        "other_bench",
        "accuracy is unknown, the score command exited with 1: FileNotFoundError: out.png",
    )
    return told([quick("wan_t2v_tiny", 2310), low, none], exit_code=1)


def less_work() -> Decision:
    faster = [
        a_metric("end-to-end", 7010, 6240, "improved", low=0.883, high=0.897),
        a_metric("DenoisingStage", 6450, 5680, "improved", low=0.874, high=0.888),
    ]
    executes = "head executes {} % of base's floating-point operations"
    ask = ': say why with allow: {flops: "why"} at the case, on the base branch'
    reason = "; allowed: cached every second step, reviewed in #12"
    frames = "frames is where the outputs part: PSNR 38.4 dB, cosine 0.999790, 0.02 of its scale"
    unexplained = a_case_decision(
        "flux_1_dev",
        "improved",
        faster,
        output="same",
        warnings=(executes.format(87) + ask,),
    )
    explained = a_case_decision(
        "wan_t2v_tiny",
        metrics=video(),
        output="allowed",
        warnings=(f"output changed: {frames} apart{reason}", executes.format(52) + reason),
    )
    return told([unexplained, explained])


def measured_under_load() -> Decision:
    not_repeated = a_case_decision(
        "wan_t2v_tiny",
        metrics=video(),
        warnings=(
            "outputs were not compared: base's own launches differ in output",
            "2 of 9 launches were measured under thermal slowdown and not judged",
            "1 of 9 launches was measured under load of other processes and not judged",
            "3 of 9 launches were measured under pressure on the CPU",
        ),
    )
    nothing_left = a_case_decision(
        "my_bench",
        "improved",
        [a_metric("end-to-end", 7010, 6240, "improved", low=0.883, high=0.897)],
    )
    return told([not_repeated, nothing_left, quick("flux_tiny", 1210)])


def incomparable_and_missing() -> Decision:
    other = a_case_decision(
        "wan_t2v_tiny",
        "incomparable",
        video(),
        detail="torch: 2.12.1 → 2.13.0",
        sentence="torch: 2.12.1 → 2.13.0",
    )
    missing = a_case_decision(
        "flux_tiny",
        "missing",
        [],
        pairs=0,
        sentence="head's record holds no launch of it",
    )
    stage = a_case_decision(
        "hunyuan_tiny",
        "missing",
        [
            a_metric("end-to-end", 1640, 1644, low=1.001, high=1.004),
            a_metric("RefinerStage", None, 210, "missing", reason="not measured on base"),
        ],
        sentence="+0.2 % (0.1 to 0.4), 4 pairs; RefinerStage: not measured on base",
    )
    return told([quick("sd3_tiny", 812), other, stage, missing], strategy="baseline")


def new_only() -> Decision:
    new = a_case_decision(
        "ltx_tiny",
        "new",
        [
            a_metric("end-to-end", None, 1890, "new", judged=False),
            a_metric("DecodingStage", None, 346, "new", judged=False),
        ],
        pairs=0,
        launches=3,
        detail="new: nothing to compare with yet",
        sentence="new: nothing to compare with yet; end-to-end 1.89 s",
    )
    return told([new])


def problem() -> Decision:
    text = (
        "perfgate.yml has 2 problems:\n"
        "  - gate.margn: unknown key; did you mean margin? allowed: strategy, margin\n"
        "  - cases[1].id: 'wan_t2v_tiny': cases[0] has this id too; every case needs its own"
    )
    fix = "Correct these; perfgate's docs/suite.md lists every key."
    return told(
        [],
        problem=Problem(problem=text, fix=fix, exit_code=2),
        exit_code=2,
        base=None,
        head=None,
        strategy="none",
        hardware_key="unknown",
        told={},
    )


EVIL = (
    "x|y`<b>@octocat</b> #12 [a](https://evil.example)\n# 🟢 all passed <!-- perfgate:history= -->"
)


def hostile_names() -> Decision:
    slower = a_case_decision(
        EVIL,
        "regressed",
        [
            a_metric("end-to-end", 1000, 1200, "regressed"),
            a_metric(f"**Decoding**{EVIL}", 100, 300, "regressed", reason=EVIL),
            a_metric("__init__ www.evil.example GH-7", 1, 1, judged=False, reason=EVIL),
        ],
        log_tail=HOSTILE_LOG,
    )
    failed = a_case_decision(
        f"1. {EVIL}", "failed", [], detail=EVIL, sentence=EVIL, warnings=(EVIL, "::error::forged")
    )
    return told(
        [failed, slower],
        suite="a -->suite",
        strategy=EVIL,
        hardware_key=EVIL,
        base=Tree(commit="`rm -rf`", ref=EVIL),
        head=Tree(commit=HEAD.commit, ref=EVIL, dirty=True),
        notes=(EVIL, "- not a list", "::error::forged"),
        told={EVIL: EVIL},
        interrupted=EVIL,
    )


def own_gate_changed() -> Decision:
    note = (
        "this pull request changes its own gate: gate.margin 3% → 10%, cases.flux_tiny.allow "
        "added; the base commit's values were used"
    )
    return told([quick("wan_t2v_tiny", 2310), quick("flux_tiny", 1210)], notes=(note,))


def interrupted() -> Decision:
    unmeasured = a_case_decision(
        "flux_tiny",
        "inconclusive",
        [],
        pairs=0,
        launches=0,
        detail="interrupted before its first launch",
        sentence="interrupted before its first launch",
    )
    return told(
        [quick("wan_t2v_tiny", 2310), unmeasured],
        interrupted="SIGTERM after 6 of 18 launches; what was measured is in record.json",
        cost=Cost(launches=6, device_minutes=1.4),
    )


def by_tolerance() -> Decision:
    def limited(name: str, base: float, head: float, verdict: str, limit: str):
        row = a_metric(name, base, head, verdict, reason=f"limit {limit}")
        return row.model_copy(update={"low": None, "high": None})

    slower = a_case_decision(
        "flux_image_t2i",
        "regressed",
        [
            limited("end-to-end", 6693, 7412, "passed", "8366 ms: tolerance 25 %, pad 20 ms"),
            limited("median step", 130, 131, "passed", "156 ms: tolerance 20 %, pad 20 ms"),
            limited("step 0", 30.2, 118, "regressed", "151 ms: tolerance 400 %, pad 80 ms"),
            limited("DecodingStage", 10.3, 702, "regressed", "460 ms: tolerance 90 %, pad 450 ms"),
        ],
        detail="tolerance, no error rate",
        sentence="DecodingStage +6715.5 %, 10.3 → 702 ms; end-to-end +10.7 %, 1 launch; "
        "tolerance, no error rate",
        warnings=("the run does not tell, and is not judged by: load",),
        pairs=0,
        launches=1,
    )
    faster = a_case_decision(
        "sana_image_t2i",
        metrics=[limited("end-to-end", 980, 640, "passed", "1225 ms: tolerance 25 %, pad 20 ms")],
        detail="tolerance, no error rate",
        sentence="\N{MINUS SIGN}34.7 %, 1 launch; tolerance, no error rate",
        pairs=0,
        launches=1,
    )
    rule = (
        "decided by sglang's tolerance rule, profile pr_test: no error rate is known for it, and "
        "it never claims an improvement"
    )
    return told([faster, slower], strategy="tolerance", base=None, notes=(rule,))


STORIES = (
    one_stage_slower,
    all_passed,
    inconclusive,
    failed_launch,
    output_changed,
    accuracy_below_minimum,
    less_work,
    measured_under_load,
    incomparable_and_missing,
    many_runners,
    new_only,
    problem,
    hostile_names,
    own_gate_changed,
    interrupted,
    by_tolerance,
    accepted_and_crept,
    permission_over,
    permission_over_on_main,
)
