"""The baseline file: the same bytes for the same launches, and no edited figure gets through."""

import json

import pytest

from perfgate.baselines.entry import add_job, following
from perfgate.baselines.native import parse_baseline, render_baseline
from perfgate.errors import BaselineError, ExitCode
from tests.factories import a_case_record, a_fingerprint, a_launch, a_record, an_output

CASE = "wan_t2v_tiny"
SOURCE = "baselines/cpu-test-x2/wan_t2v_tiny.json"


def a_job(*head, day=1, burn_in=1010, **fields):
    case = a_case_record(CASE, base=[], head=list(head), burn_in=burn_in)
    return a_record([case], created_at=f"2026-01-{day:02}T00:00:00+00:00", **fields)


def a_baseline(jobs=((1000, 1002), (1004, 1006), (998, 1000))):
    baseline = None
    for day, head in enumerate(jobs, start=1):
        baseline = add_job(baseline, a_job(*head, day=day), CASE)
    return baseline


def edited(**changes):
    """The file with values replaced, each named by its path in it."""
    data = json.loads(render_baseline(a_baseline()))
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = data
        for key in parents:
            place = place[int(key) if key.isdigit() else key]
        place[last] = value
    return json.dumps(data)


def refused(text):
    with pytest.raises(BaselineError) as caught:
        parse_baseline(text, source=SOURCE)
    assert caught.value.exit_code is ExitCode.BASELINE
    assert SOURCE in caught.value.problem
    assert caught.value.fix
    return caught.value.problem


def test_a_file__is_read_back_as_it_was_and_written_with_the_same_bytes():
    baseline = a_baseline()
    text = render_baseline(baseline)
    assert parse_baseline(text, source=SOURCE) == baseline
    assert render_baseline(parse_baseline(text, source=SOURCE)) == text


def test_a_file__holds_a_launch_on_a_line():
    lines = render_baseline(a_baseline()).splitlines()
    assert sum('"total_duration_ms"' in line for line in lines) == 9
    assert all(line.count('"total_duration_ms"') <= 1 for line in lines)


def test_adding_a_job__adds_its_lines_and_touches_no_other_launch():
    before = render_baseline(a_baseline()).splitlines()
    after = render_baseline(add_job(a_baseline(), a_job(1000, day=9), CASE)).splitlines()
    launches = [line.rstrip(",") for line in before if "total_duration_ms" in line]
    assert [line.rstrip(",") for line in after if "total_duration_ms" in line][:9] == launches


def test_the_figures__are_geometric_means_of_jobs_without_the_burn_in():
    derived = a_baseline(jobs=((1000, 1000), (1210, 1210))).derived
    assert (derived.jobs, derived.launches, derived.requests) == (2, 4, 4)
    assert derived.metrics["end-to-end"].value == pytest.approx(1100)
    assert derived.metrics["end-to-end"].between_launches == 0
    assert derived.metrics["DenoisingStage"].value == pytest.approx(880)
    assert derived.metrics["median step"].value == pytest.approx(110)
    assert a_baseline(jobs=((1000,),)).derived.metrics["end-to-end"].between_jobs is None


def test_steps__are_medians_over_requests_with_their_own_mean_and_median():
    heads = [{"total": 1000, "steps": steps} for steps in ([9, 4, 5], [11, 4, 6], [10, 4, 7, 8])]
    steps = add_job(None, a_job(*heads, burn_in=heads[0]), CASE).derived.steps
    assert steps.ms == (10, 4, 6, 8)
    assert (steps.mean_ms, steps.median_ms) == (7, 7)
    assert add_job(None, a_job(a_launch(steps=[])), CASE).derived.steps is None


def test_a_file__holds_a_metric_on_a_line_and_the_steps_on_one():
    lines = [line.strip() for line in render_baseline(a_baseline()).splitlines()]
    assert sum(line.startswith('"DecodingStage": {"value":') for line in lines) == 3
    assert sum(line.startswith('"steps": {"ms":[') for line in lines) == 1


def test_memory_and_load__are_kept_too():
    launch = a_launch(total=1000, peak_memory_mb=900, load_ms=50)
    metrics = add_job(None, a_job(launch, burn_in=launch), CASE).derived.metrics
    assert (metrics["peak memory"].value, metrics["load"].value) == (900, 50)


def test_the_stored_jobs__are_what_the_rule_judges_with():
    stored = a_baseline().stored_jobs()
    assert [len(job.launches) for job in stored.jobs] == [2, 2, 2]
    assert stored.jobs[0].burn_in["end-to-end"] == 1010
    assert stored.median("end-to-end") == pytest.approx(1001, abs=0.1)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("derived__jobs", 12, "derived.jobs says 12, but the launches below it give 3"),
        (
            "derived__metrics__end-to-end__value",
            1300.0,
            "derived.metrics.end-to-end.value says 1300.0, but the launches below it give 1001.66",
        ),
        ("derived__metrics__DecodingStage__between_jobs", None, "between_jobs says None"),
        ("derived__metrics__Invented", {"value": 1.0}, "derived.metrics.Invented.value says 1.0"),
        ("derived__steps__mean_ms", 99.5, "derived.steps.mean_ms says 99.5, but the launches"),
        ("derived__steps", None, "derived.steps.ms.0 says None"),
    ],
)
def test_an_edited_figure__is_refused_with_both_values(path, value, told):
    assert told in refused(edited(**{path: value}))


def test_an_edited_launch__is_refused_because_the_figures_no_longer_follow():
    text = edited(jobs__1__launches__1__reports__0__total_duration_ms=2000.0)
    assert "derived.metrics.end-to-end.value says" in refused(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not valid JSON"),
        ("{", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("[]", "the document"),
        ('{"schema": "perfgate.baseline", "schema": "x"}', "the key 'schema' stands twice"),
        (edited(version=3), "version"),
        (edited(schema="perfgate.record"), "schema"),
        (edited(jobs=[]), "jobs"),
        (
            edited(jobs__0__launches__1__reports__0__total_duration_ms=float("nan")),
            "total_duration",
        ),
        (edited(jobs__0__launches__1__reports__0__total_duration_ms=-1.0), "total_duration_ms"),
        (edited(jobs__0__launches__1__reports__0__stages=[]), "stages"),
    ],
)
def test_a_broken_file__is_refused_by_name(text, told):
    assert told in refused(text)


def test_a_job_of_nothing_but_its_burn_in__is_refused():
    data = json.loads(edited())
    data["jobs"][0]["launches"] = data["jobs"][0]["launches"][:1]
    assert "nothing but its burn-in" in refused(json.dumps(data))


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (a_job(1000, day=9, hardware_key="cpu-other-x8"), "the hardware key of wan_t2v_tiny is"),
        (a_job(1000, day=9, fingerprint=a_fingerprint(torch="2.14.0")), "the fingerprint of"),
        (a_job("exit status 1", day=9), "a launch of wan_t2v_tiny failed (exit status 1)"),
        (a_job(1000, day=9, burn_in="timed out"), "failed (timed out)"),
        (a_job(day=9), "no head launch of wan_t2v_tiny besides the burn-in"),
        (a_job(1000, 1002, day=1), "is in the baseline of wan_t2v_tiny already"),
    ],
)
def test_a_job_that_does_not_belong__is_not_added(record, told):
    with pytest.raises(BaselineError, match=r".+") as caught:
        add_job(a_baseline(), record, CASE)
    assert told in caught.value.problem


def test_another_workload__is_not_added():
    case = a_case_record(CASE, base=[], head=[1000], workload_hash="f" * 16)
    with pytest.raises(BaselineError, match="the workload hash of wan_t2v_tiny is ffff"):
        add_job(a_baseline(), a_record([case], created_at="later"), CASE)


def test_a_case_that_the_record_lacks__is_told_with_those_it_has():
    with pytest.raises(BaselineError, match="no case 'flux'; it has: wan_t2v_tiny"):
        add_job(None, a_job(1000), "flux")


class TestProduced:
    def a_job(self, day, output):
        heads = [{"output": output, "flops": 1e12, "steps": [100] * 8}] * 2
        return a_job(*heads, day=day, burn_in=heads[0])

    def test_what_the_newest_job_computed__is_kept_once_on_a_line(self):
        first = add_job(None, self.a_job(1, an_output(A=1.0)), CASE)
        both = add_job(first, self.a_job(2, an_output(A=2.0)), CASE)
        text = render_baseline(both)
        assert parse_baseline(text, source=SOURCE) == both
        (line,) = [line for line in text.splitlines() if '"produced"' in line]
        assert an_output(A=2.0).sha256 in line
        assert an_output(A=1.0).sha256 not in text

    def test_it_stands_as_a_launch_of_base_on_another_machine(self):
        output = an_output(A=1.0).model_copy(update={"build": "torch 2.13.0"})
        newest = add_job(None, self.a_job(3, output), CASE).stored_jobs().newest
        (report,) = newest.reports
        assert (newest.side, len(report.steps_ms), report.flops) == ("base", 8, 1e12)
        assert report.output.stages == output.stages
        assert report.output.build == "torch 2.13.0, job of 2026-01-03T00:00:00+00:00"

    def test_an_older_file__holds_nothing_to_compare(self):
        data = json.loads(render_baseline(a_baseline()))
        del data["produced"]
        assert parse_baseline(json.dumps(data), source=SOURCE).stored_jobs().newest is None


class TestMilestones:
    def test_ten_small_steps__leave_the_first_figure_where_it_was(self):
        baseline = a_baseline(jobs=((1000,), (1020,), (990,), (1050,)))
        first, best = baseline.first["end-to-end"], baseline.best["end-to-end"]
        assert (first.value, first.date[:10]) == (1000, "2026-01-01")
        # The figure of an entry is the mean of its jobs; the lowest such mean was that of one job.
        assert (best.value, best.date[:10]) == (1000, "2026-01-01")
        faster = add_job(baseline, a_job(500, day=9), CASE)
        assert faster.best["end-to-end"].value == faster.derived.metrics["end-to-end"].value < 900
        assert faster.first["end-to-end"] == first

    def test_an_entry_that_starts_over__remembers(self):
        old = a_baseline(jobs=((1000,), (1020,)))
        slower = following(add_job(None, a_job(1300, day=9), CASE), old)
        assert slower.derived.metrics["end-to-end"].value == 1300
        assert slower.first == old.first
        assert slower.best["end-to-end"].value == 1000

    def test_a_file_of_version_1__is_read_and_remembers_what_it_said_itself(self):
        data = json.loads(edited(version=1))
        del data["first"], data["best"], data["derived"]["steps"]
        old = parse_baseline(json.dumps(data), source=SOURCE)
        assert parse_baseline(render_baseline(old), source=SOURCE) == old
        grown = add_job(old, a_job(2000, day=9), CASE)
        assert grown.version == 2
        assert grown.first["end-to-end"].value == old.derived.metrics["end-to-end"].value
        assert grown.first["end-to-end"].date == old.jobs[-1].date
        assert grown.best == grown.first

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"best__end-to-end__value": 1000.5}, "best.end-to-end says 1000.5, but first."),
            (
                {"best__end-to-end__value": 1002.0, "first__end-to-end__value": 1002.0},
                "best.end-to-end says 1002.0, but the launches below it give 1001.66",
            ),
            ({"first": {}}, "first.end-to-end is missing"),
            ({"best__Invented": {"value": 1, "commit": "c", "date": "d"}}, "first.Invented"),
            ({"best__end-to-end__value": 0}, "best.end-to-end.value"),
            (
                {"version": 1, "derived__steps": None},
                "first and best have no place in a file of version 1",
            ),
        ],
    )
    def test_figures_that_cannot_be__are_refused(self, changes, told):
        changes = {"first__end-to-end__value": 1000.0, **changes}
        assert told in refused(edited(**changes))
