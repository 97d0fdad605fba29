"""Whatever is updated, accepted, expired and proposed in whatever order: files that hold."""

from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfgate.app.keeping.keep import Request, Tree, updated
from perfgate.baselines.accepted import parse_accepted, render_accepted
from perfgate.baselines.derived import first_difference
from perfgate.baselines.native import derive_jobs, parse_baseline, render_baseline
from perfgate.errors import BaselineError
from perfgate.suite import parse_suite
from perfgate.verdict.decide import decide
from perfgate.verdict.permission import Permissions
from tests.factories import a_case_record, a_fingerprint, a_record

SUITE = parse_suite(
    "{version: 1, baselines: b, cases: [{id: wan, backend: command, command: x}]}", source="s"
)
WAN, ACCEPTED = "b/cpu-test-x2/wan.json", "b/accepted.yml"
AT = Tree(commit="d" * 40, date="2026-01-01")
ISSUE = "https://github.com/o/r/issues/7"
START = date(2026, 1, 1)

levels = st.floats(500.0, 2000.0)
noise = st.lists(st.floats(0.995, 1.005), min_size=3, max_size=4)
steps = st.one_of(
    st.tuples(st.just("update"), levels, noise),
    st.tuples(st.just("accept"), levels, noise, st.integers(0, 60)),
    st.tuples(st.just("propose"), levels, noise),
    st.tuples(st.just("expire"), st.integers(1, 90)),
    st.tuples(st.just("other workload"), levels, noise, st.sampled_from("ab")),
    st.tuples(st.just("other software"), levels, noise),
)


class Repository:
    """Two files, and what is committed to them; ``today`` only ever moves on."""

    def __init__(self):
        self.files = {}
        self.today = START
        self.jobs = 0
        self.workload, self.software = "0" * 16, "1"

    def record(self, level, noise):
        self.jobs += 1
        made = a_case_record(
            "wan", base=[], head=[level * one for one in noise], workload_hash=self.workload
        )
        return a_record(
            [made],
            created_at=f"2026-01-01T00:{self.jobs // 60:02}:{self.jobs % 60:02}+00:00",
            fingerprint=a_fingerprint(torch=self.software),
        )

    def step(self, what, *values):
        if what == "expire":
            self.today += timedelta(days=values[0])
            return None
        if what == "other workload":
            self.workload = values[2] * 16
        if what == "other software":
            self.software += "1"
        level, noise = values[0], values[1]
        granted = what == "accept"
        request = Request(
            reason="because",
            asked_by="octocat",
            issue=ISSUE if granted else "",
            expires=self.today + timedelta(days=values[2]) if granted else None,
            workload_changed=what == "other workload",
        )
        try:
            found = updated(self.files, SUITE, [self.record(level, noise)], at=AT, request=request)
        except BaselineError:
            return None
        # An update refuses what nobody explained; a proposal of it stays a draft.
        if not found.changes[0].unexplained:
            self.files |= found.texts
        elif what == "propose":
            for path, text in found.texts.items():
                holds(path, text)
        return found.changes[0]

    def entry(self):
        return parse_baseline(self.files[WAN], source=WAN) if WAN in self.files else None

    def accepted(self):
        text = self.files.get(ACCEPTED)
        return () if text is None else parse_accepted(text, source=ACCEPTED)


def holds(path, text):
    """It is read, with exact figures, and written with the same bytes."""
    if path == ACCEPTED:
        assert render_accepted(parse_accepted(text, source=path)) == text
        return
    entry = parse_baseline(text, source=path)
    assert render_baseline(entry) == text
    assert first_difference(entry.derived, derive_jobs(entry.jobs)) is None
    for name, figure in entry.derived.metrics.items():
        assert entry.best[name].value <= figure.value
        assert entry.best[name].value <= entry.first[name].value


@given(st.lists(steps, max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_sequence__keeps_files_that_load_and_figures_that_are_exact(sequence):
    repository = Repository()
    for step in sequence:
        before, owed = repository.entry(), {one.key: one for one in repository.accepted()}
        change = repository.step(*step)
        for path, text in repository.files.items():
            holds(path, text)
        after = repository.entry()
        if change is None or change.unexplained or after is None:
            continue
        if before is not None and before.workload_hash == after.workload_hash:
            for name, milestone in before.first.items():
                assert after.first[name] == milestone
                assert after.best[name].value <= before.best[name].value
        now = {one.key: one for one in repository.accepted()}
        for metric in change.looser:
            stood = now[(after.hardware_key, "wan", metric.metric)]
            assert stood.ratio(metric.new) <= stood.ceiling
        for key, one in now.items():
            if key in owed:
                assert one.reference == owed[key].reference


@given(st.lists(steps, max_size=8), levels, st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_sequence__a_gate_accepts_only_what_is_permitted_today(sequence, level, answers):
    repository = Repository()
    for step in sequence:
        repository.step(*step)
    permissions = Permissions(
        acceptances=repository.accepted(), today=repository.today, answers_for_debt=answers
    )
    case = a_case_record("wan", base=[1000] * 6, head=[level] * 6)
    (decided,) = decide(a_record([case]), permissions=permissions).cases
    held = {one.metric: one for one in repository.accepted()}
    for row in decided.metrics:
        if row.verdict == "accepted":
            assert row.head / held[row.name].reference.value <= held[row.name].ceiling
            assert held[row.name].expires >= repository.today
