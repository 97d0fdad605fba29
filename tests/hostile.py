"""What a stranger's job may leave: records full of strings that want to be more than text.

And a repository in memory to judge them by, which asks no network.
"""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from perfgate.app.publishing.finished_run import judge_run
from perfgate.github.branches import Commit, Difference, Entry, blob_id
from perfgate.github.event import FinishedRun
from perfgate.github.runs import Artifact, ProposedChange
from perfgate.records import (
    Accuracy,
    CaseRecord,
    Conditions,
    Fingerprint,
    GatePolicy,
    Launch,
    Origin,
    OutputFingerprint,
    Record,
    Report,
    Side,
    Stage,
    TensorSummary,
    Tree,
    to_json,
)
from perfgate.suite import parse_suite
from tests.fakes.github_artifacts import packed

BASE, HEAD, MERGE, TREE = "b" * 40, "a" * 40, "c" * 40, "d" * 40
REPOSITORY = "octo/bench"
SUITE = """\
version: 1
gate: {strategy: STRATEGY}
cases:
  - {id: wan, backend: command, command: python3 wan.py}
  - {id: flux, backend: command, command: python3 flux.py, allow: {output: "reviewed in 12"}}
"""
RUN = FinishedRun(
    id=42,
    attempt=1,
    event="pull_request",
    conclusion="success",
    head_sha=HEAD,
    head_branch="faster",
    head_owner="mallory",
    head_repository="mallory/bench",
)

BAIT = [
    "@evil",
    "#66613",
    "octo/evil#66613",
    "GH-66613",
    "https://evil.example/x",
    "www.evil.example",
    "[evil](https://evil.example)",
    "![evil](https://evil.example/x.png)",
    "<img src=//evil.example onerror=evil()>",
    "<!-- perfgate:comment key=evil -->",
    "-->",
    "</details>",
    "</summary>",
    "\n\n# evil\n\n",
    "\n```\n",
    "````",
    "| evil | evil |",
    "\n| --- | --- |\n",
    "\n::error::evil",
    "\r::set-output name=verdict::evil",
    "##[error]evil",
    "%0A::error::evil",
    "\u2028::error::evil",
    "\x1b[31mevil",
    "\u202eevil",
    "\x00",
    "{{ evil }}",
    "${{ evil }}",
    "$(evil)",
    "\\",
    "`",
    "evil",
]
"""Each tries another way out of being text."""

TEXT = st.lists(st.sampled_from(BAIT) | st.text(max_size=6), max_size=4).map("".join)
NAME = TEXT.filter(bool).map(lambda text: text[:200])
"""Of a stage: not empty."""
NUMBER = st.floats(0, 1e12) | st.floats(0, allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(0.5, 2e4) | NUMBER.filter(bool)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TENSOR = st.builds(
    TensorSummary,
    name=TEXT,
    shape=st.lists(st.integers(), max_size=3).map(tuple),
    mean=FINITE,
    deviation=NUMBER,
    norm=NUMBER,
    sketch=st.lists(FINITE, max_size=3).map(tuple),
    span=st.none() | NUMBER,
)
OUTPUT = st.builds(
    OutputFingerprint,
    stages=st.lists(TENSOR, max_size=2).map(tuple),
    sha256=st.none() | TEXT,
    build=TEXT,
    dtype=TEXT,
)
REPORT = st.builds(
    Report,
    total_duration_ms=POSITIVE,
    stages=st.lists(st.builds(Stage, name=NAME, duration_ms=NUMBER), min_size=1, max_size=3).map(
        tuple
    ),
    steps_ms=st.lists(NUMBER, max_size=5).map(tuple),
    load_ms=st.none() | NUMBER,
    peak_memory_mb=st.none() | NUMBER,
    memory_checkpoints=st.dictionaries(TEXT, st.dictionaries(TEXT, FINITE, max_size=2), max_size=2),
    flops=st.none() | NUMBER,
    output=st.none() | OUTPUT,
    extra=st.dictionaries(TEXT, TEXT, max_size=2),
)
CONDITIONS = st.builds(
    Conditions,
    unfit=st.lists(TEXT, max_size=1).map(tuple),
    warnings=st.lists(TEXT, max_size=2).map(tuple),
    readings=st.dictionaries(TEXT, st.tuples(FINITE, FINITE), max_size=2),
)
LAUNCH = st.builds(
    Launch,
    side=st.sampled_from(Side),
    pair=st.none() | st.integers(0, 5) | st.integers(),
    order=st.integers(0, 20) | st.integers(),
    started_at=TEXT,
    duration_s=NUMBER,
    server=st.none() | st.integers(0, 3),
    reports=st.lists(REPORT, max_size=2).map(tuple),
    imported=st.dictionaries(TEXT, TEXT, max_size=1),
    output_files=st.dictionaries(TEXT, TEXT, max_size=1),
    outputs=st.lists(TENSOR, max_size=1).map(tuple),
    undecoded=st.dictionaries(TEXT, TEXT, max_size=1),
    conditions=st.none() | CONDITIONS,
    failure=st.none() | TEXT,
    log_tail=TEXT,
)
FIT = st.builds(
    Launch,
    side=st.sampled_from(Side),
    pair=st.none() | st.integers(0, 5),
    order=st.integers(0, 20),
    started_at=st.just("2026-01-01T00:00:00+00:00"),
    duration_s=st.floats(0, 100),
    reports=st.lists(REPORT, min_size=1, max_size=1).map(tuple),
)
"""A launch that may well be judged."""


@st.composite
def _fits(draw):
    """A burn-in and pairs, of which the times are anything."""
    places = [(Side.HEAD, None)]
    places += [(side, pair) for pair in range(draw(st.integers(0, 6))) for side in Side]
    return [
        draw(FIT).model_copy(update={"side": side, "pair": pair, "order": order})
        for order, (side, pair) in enumerate(places)
    ]


FITS = _fits()


def _mostly(common, odd):
    """One of the first in nine of ten, so that most records get as far as being judged."""
    return st.sampled_from([common] * 9 + [odd]).flatmap(lambda one: one)


def records(strategy):
    """Records of a job that measured the base's suite of this strategy, or says so."""
    hashes = {
        case.id: case.workload_hash()
        for case in parse_suite(suite(strategy), source="perfgate.yml").cases
    }
    ids = _mostly(st.sampled_from(["wan", "wan", "flux", "flux", "new", "evil"]), TEXT)
    cases = st.builds(
        lambda name, **fields: CaseRecord(
            id=name, workload_hash=hashes.get(name, "0" * 16), **fields
        ),
        name=ids,
        workload=st.dictionaries(TEXT, TEXT, max_size=1),
        origin=_mostly(st.just(Origin.JUDGED), st.sampled_from(Origin)),
        allow=st.dictionaries(st.sampled_from(["output", "flops"]), TEXT, max_size=2),
        launches=_mostly(FITS, st.lists(FIT | LAUNCH, max_size=8)).map(tuple),
        history=st.lists(FINITE, max_size=2).map(tuple),
        accuracy=st.none()
        | st.builds(Accuracy, score=st.none() | FINITE, minimum=FINITE, failure=st.none() | TEXT),
        stopped=st.none() | TEXT,
        refused=st.none() | TEXT,
    )
    keys = _mostly(st.sampled_from(["cpu-test-x2", "nvidia-h100-x1", "evil"]), TEXT)
    return st.builds(
        Record,
        perfgate=TEXT,
        suite=_mostly(st.just("perfgate"), TEXT),
        job=TEXT,
        created_at=TEXT,
        fingerprint=st.builds(
            Fingerprint,
            hardware_key=keys,
            must_match=st.dictionaries(TEXT, TEXT, max_size=2),
            told=st.dictionaries(TEXT, TEXT, max_size=3),
        ),
        policy=st.builds(GatePolicy, margin=FINITE),
        base=st.builds(Tree, commit=st.just(BASE), ref=TEXT, dirty=st.booleans(), content=TEXT),
        head=st.builds(Tree, commit=st.just(MERGE), ref=TEXT, dirty=st.booleans(), content=TEXT),
        cases=st.lists(cases, max_size=4, unique_by=lambda case: case.id).map(tuple),
        notes=st.lists(TEXT, max_size=2).map(tuple),
        interrupted=st.none() | TEXT,
        continued=st.integers(0, 3),
    )


def suite(strategy):
    return SUITE.replace("STRATEGY", strategy)


class Offline:
    """A repository with one suite file, a pull request, and what a run of it uploaded."""

    def __init__(self, artifacts, *, strategy="auto", paths=("a.txt",)):
        self._artifacts = artifacts
        self._suite = suite(strategy)
        self._paths = paths

    def artifacts(self, run):
        return tuple(
            Artifact(id=index, name=name, size_bytes=len(data), expired=False)
            for index, (name, data) in enumerate(self._artifacts)
        )

    def download(self, artifact, *, limit_bytes):
        return self._artifacts[artifact][1]

    def changes_from(self, owner, branch):
        return (
            ProposedChange(
                number=7,
                is_open=True,
                head_sha=HEAD,
                head_ref=branch,
                head_repository="mallory/bench",
                base_ref="main",
                base_sha=BASE,
                labels=(),
            ),
        )

    def changed_paths(self, number):
        return self._paths

    def tip(self, branch):
        return BASE

    def commit(self, sha):
        parents = (BASE, HEAD) if sha == MERGE else ()
        return Commit(sha=sha, date="2026-01-01", parents=parents, message="x")

    def compare(self, base, head):
        return Difference(merge_base=base, files={})

    def tree(self, sha):
        return {"perfgate.yml": Entry(kind="blob", sha=blob_id(self._suite))}

    def text(self, blob):
        return self._suite


def judged(artifacts, *, strategy="auto", paths=("a.txt",)):
    """What is found of a run that uploaded these, by name."""
    return judge_run(
        RUN,
        Offline(artifacts, strategy=strategy, paths=paths),
        repository=REPOSITORY,
        suites=("perfgate.yml",),
        today=date(2026, 3, 1),
    )


def uploaded(record):
    """An artifact with this record, or with this text for one."""
    return packed({"record.json": record if isinstance(record, str) else to_json(record)})
