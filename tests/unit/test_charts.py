"""What a chart says of a case: every launch, what it counted for, and how the interval narrowed."""

from __future__ import annotations

import json
import re

import altair as alt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.records import Conditions, Origin
from perfgate.report.charts import MAX_CHARTS, MAX_LAUNCHES, charts
from perfgate.report.pictures import chart_name
from perfgate.verdict.baseline import StoredJob, StoredJobs
from perfgate.verdict.decide import decide
from tests.factories import WORKLOAD, a_case_record, a_launch, a_record

HOSTILE = "<script>alert('1')</script>\"&]]> ../../etc\u202e\x00\ufffe {{datum}} $x"


def drawn(*cases, stored=None, **policy):
    """The charts of a job, by case id."""
    record = a_record(cases, **policy)
    return {one.case_id: one.spec for one in charts(record, decide(record, baselines=stored))}


def panels(spec):
    return {panel["title"]["text"]: panel for panel in spec["vconcat"]}


def rows(panel, key):
    """The rows of every layer that has the key."""
    found = [layer.get("data", panel.get("data"))["values"] for layer in panel["layer"]]
    unique = {json.dumps(row): row for values in found for row in values if key in row}
    return list(unique.values())


def launches(spec, metric="end-to-end"):
    """What each launch is drawn as, in the order of the picture: kind and time."""
    found = rows(panels(spec)[f"{metric}, each launch"], "launch")
    return [(row["launch"], row.get("time")) for row in sorted(found, key=lambda r: r["order"])]


def changes(spec, metric="end-to-end"):
    return rows(panels(spec)[f"{metric}, head against base after each pair"], "change")


def told(panel):
    return " ".join(panel["title"].get("subtitle", []))


def unfit(total):
    conditions = Conditions(samples=3, unfit=("thermal slowdown: device 0",))
    return a_launch(total=total).model_copy(update={"conditions": conditions})


def slower_decoding(pairs=6):
    """Decoding takes 30 % longer on head, with a little noise."""
    noise = [1.0, 1.002, 0.999, 1.001, 0.998, 1.0]

    def request(decoding, k):
        parts = {
            "TextEncodingStage": 115 * k,
            "DenoisingStage": 1840 * k,
            "DecodingStage": decoding,
        }
        return {"total": sum(parts.values()), **parts}

    base = [request(345 * k, k) for k in noise[:pairs]]
    head = [request(449 * k, k) for k in reversed(noise[:pairs])]
    return a_case_record(base=base, head=head)


class TestLaunches:
    def test_order__is_that_of_the_measurement_and_the_burn_in_comes_first(self):
        spec = drawn(a_case_record("a", base=[1000, 1001], head=[1002, 1003]))["a"]
        assert launches(spec) == [
            ("burn-in", 1.002),
            ("base", 1.0),
            ("head", 1.002),
            ("head", 1.003),
            ("base", 1.001),
        ]

    def test_unfit__takes_its_whole_pair_and_gives_no_ratio(self):
        case = a_case_record("a", base=[1000, unfit(1500), 1000], head=[1001, 1002, 1001])
        spec = drawn(case)["a"]
        kinds = [kind for kind, _ in launches(spec)]
        assert kinds[3:5] == ["head, not judged", "base, not judged"]
        assert [row["order"] for row in changes(spec)] == [3, 7]

    def test_failed__has_no_time_and_leaves_its_partner_unjudged(self):
        spec = drawn(a_case_record("a", base=[1000, 1000], head=[1000, "exit status 1"]))["a"]
        assert launches(spec)[3:] == [("head, failed", None), ("base, not judged", 1.0)]

    def test_failed__all_of_them_leave_an_axis_without_figures(self):
        spec = drawn(a_case_record("a", base=["died"], head=["died"], burn_in="died"))["a"]
        kinds = [kind for kind, _ in launches(spec)]
        assert kinds == ["head, failed", "base, failed", "head, failed"]
        (panel,) = spec["vconcat"]
        assert panel["layer"][-1]["encoding"]["y"] == {"value": panel["height"] - 8}

    @pytest.mark.parametrize(
        ("total", "unit", "shown"),
        [(0.4, "µs", 400), (12.5, "ms", 12.5), (2261, "s", 2.261), (1.2e6, "min", 20)],
    )
    def test_unit__is_the_one_that_a_reader_expects(self, total, unit, shown):
        spec = drawn(a_case_record("a", base=[total], head=[total]))["a"]
        panel = panels(spec)["end-to-end, each launch"]
        axes = [layer["encoding"]["y"].get("axis", {}) for layer in panel["layer"]]
        assert {axis["title"] for axis in axes} == {f"time ({unit})"}
        assert {time for _, time in launches(spec)} == {shown}

    def test_many__are_cut(self):
        many = a_case_record("a", base=[1000] * 150, head=[1000] * 150)
        assert len(launches(drawn(many, max_pairs=2)["a"])) == MAX_LAUNCHES


class TestChange:
    def test_last_interval__is_the_one_of_the_table(self):
        case = slower_decoding()
        decision = decide(a_record([case]))
        metrics = {metric.name: metric for metric in decision.cases[0].metrics}
        spec = drawn(case)[case.id]
        for name in ("end-to-end", "DecodingStage"):
            last, metric = changes(spec, name)[-1], metrics[name]
            shown = (last["change"], last["low"], last["high"])
            decided = (metric.ratio, metric.low, metric.high)
            assert shown == pytest.approx([(ratio - 1) * 100 for ratio in decided], rel=1e-4)

    def test_stage__is_drawn_only_where_it_is_blamed(self):
        assert len(panels(drawn(slower_decoding())["wan_t2v_tiny"])) == 4
        assert len(panels(drawn(a_case_record("a"))["a"])) == 2

    def test_margin__is_a_line_and_said(self):
        spec = drawn(slower_decoding(), margin=0.04, stage_margin=0.08)["wan_t2v_tiny"]
        for name, margin in (("end-to-end", 4.0), ("DecodingStage", 8.0)):
            panel = panels(spec)[f"{name}, head against base after each pair"]
            assert [row["at"] for row in rows(panel, "at")] == pytest.approx([0.0, margin])
            assert told(panel) == f"dashed: the margin, +{margin:.1f} %"

    def test_noisy_machine__the_least_that_it_decides_is_a_line_too(self):
        history = [0.05, -0.06, 0.04, -0.05, 0.07, -0.04, 0.05, -0.06, 0.05, -0.05]
        noisy = a_case_record("a").model_copy(update={"history": tuple(history)})
        spec = drawn(noisy)["a"]
        panel = panels(spec)["end-to-end, head against base after each pair"]
        assert len(rows(panel, "at")) == 3
        assert "dotted: the least that can be decided, +" in told(panel)

    @pytest.mark.parametrize("origin", [Origin.NEW, Origin.WORKLOAD_CHANGED])
    def test_not_comparable__is_never_a_ratio(self, origin):
        spec = drawn(a_case_record("a", origin=origin))["a"]
        assert list(panels(spec)) == ["end-to-end, each launch"]


class TestTitle:
    def test_subtitle__says_what_was_decided_and_of_what(self):
        spec = drawn(slower_decoding(), hardware_key="cpu-test-x2")["wan_t2v_tiny"]
        assert spec["title"]["text"] == "wan_t2v_tiny"
        total, stage, where = spec["title"]["subtitle"]
        assert re.fullmatch(r"slower; end-to-end \+4\.\d % \(.* to .* %\); 6 pairs", total)
        assert re.fullmatch(r"DecodingStage \+(29|30)\.\d % \(.* to .* %\)", stage)
        assert where == "cpu-test-x2; base bbbbbbbbbbbb, head aaaaaaaaaaaa"


class TestBaselineAlone:
    def stored(self):
        jobs = tuple(
            StoredJob(launches=({"end-to-end": total}, {"end-to-end": total + 1}))
            for total in (2300.0, 2302.0, 2298.0, 2301.0)
        )
        return StoredJobs(workload_hash=WORKLOAD, must_match={"torch": "2.13.0"}, jobs=jobs)

    def test_the_stored_median_is_a_line(self):
        case = a_case_record("a", base=(), head=[2310, 2311, 2309])
        spec = drawn(case, stored={"a": self.stored()}, strategy="baseline")["a"]
        (panel,) = spec["vconcat"]
        assert [row["at"] for row in rows(panel, "at")] == pytest.approx([2.301])
        assert told(panel) == "dashed: the baseline's median, 2.30 s"

    def test_without_one_head_stands_alone(self):
        case = a_case_record("a", base=(), head=[2310, 2311, 2309])
        (panel,) = drawn(case, strategy="baseline")["a"]["vconcat"]
        assert rows(panel, "at") == []


class TestNames:
    def test_chart_name__keeps_what_the_suite_allows(self):
        assert chart_name("wan2_1_t2v-1.3b") == "wan2_1_t2v-1.3b"

    @pytest.mark.parametrize(
        "case_id", [HOSTILE, "..", ".git", "a/b", "", "x" * 300, "\udcff", "é"]
    )
    def test_chart_name__of_any_other_id_is_safe_and_its_own(self, case_id):
        name = chart_name(case_id)
        assert chart_name(name) == name
        assert name != chart_name(case_id + "x")

    def test_hostile_names__are_cut_and_stand_in_titles_alone(self):
        base = {"total": 1000.0, HOSTILE: 900.0}
        head = {"total": 1300.0, HOSTILE: 1200.0}
        spec = drawn(a_case_record(HOSTILE, base=[base] * 6, head=[head] * 6))[HOSTILE]
        where = set(places(spec, "<script>"))
        assert where == {("title", "text"), ("title", "subtitle"), ("vconcat", "title", "text")}
        text = json.dumps(spec, ensure_ascii=False)
        assert not {"\u202e", "\x00", "\ufffe"} & set(text)
        assert len(spec["title"]["text"]) <= 60

    def test_many_cases__are_cut_with_the_worst_first(self):
        quiet = [a_case_record(f"case_{n}", base=[1000], head=[1000]) for n in range(MAX_CHARTS)]
        worse = a_case_record("worse", base=[1000] * 6, head=[1300] * 6)
        found = drawn(*quiet, worse)
        assert len(found) == MAX_CHARTS
        assert next(iter(found)) == "worse"


def places(value, text, path=()):
    """Where in a description a text stands, list positions left out."""
    if isinstance(value, str):
        return [path] if text in value else []
    if isinstance(value, dict):
        assert text not in " ".join(value)
        items = [(part, (*path, key)) for key, part in value.items()]
    else:
        items = [(part, path) for part in value] if isinstance(value, list) else []
    return [found for part, where in items for found in places(part, text, where)]


@pytest.mark.parametrize(
    "case",
    [
        a_case_record(),
        slower_decoding(),
        a_case_record(base=["died"], head=[1.0]),
        a_case_record(base=[1000, unfit(1200)], head=[1000, 1001]),
        a_case_record(base=(), head=[1.0]),
    ],
    ids=["unchanged", "slower stage", "failed", "unfit", "head alone"],
)
def test_description__is_vega_lite(case):
    alt.VConcatChart.from_dict(drawn(case)[case.id])


times = st.floats(min_value=1e-3, max_value=1e9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(times, times), min_size=1, max_size=4))
def test_any_times__give_figures_that_json_can_hold(pairs):
    case = a_case_record(base=[base for base, _ in pairs], head=[head for _, head in pairs])
    json.dumps(drawn(case)[case.id], allow_nan=False)
