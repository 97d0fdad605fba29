"""A fork's pull request whose measuring job has finished, and what publishing it came to."""

from __future__ import annotations

from perfgate.baselines.entry import add_job
from perfgate.github.event import FinishedRun
from perfgate.records import Tree, parse_decision, to_json
from perfgate.suite import parse_suite
from tests.factories import a_case_record, a_decision, a_record
from tests.fakes.github_artifacts import packed

FORK, BRANCH, RUN = "mallory/bench", "faster", 42
SUITE = """\
version: 1
name: tiny
baselines: baselines/
gate: {strategy: paired, margin: 3%, inconclusive: fail}
cases:
  - {id: wan, backend: command, command: python3 wan.py}
  - {id: flux, backend: command, command: python3 flux.py}
  - {id: docs, backend: command, command: python3 docs.py, when: {paths: ["docs/**"]}}
"""
SLOWER = [1200, 1201, 1199, 1200, 1202, 1198]
STEADY = [1000, 1001, 999, 1000, 1002, 998]


class Project:
    """A repository with a suite, and a stranger's pull request whose job has finished."""

    def __init__(self, github):
        self.github = github
        bare = github.bare
        self.base = bare.commit("main", "start", files={"perfgate.yml": SUITE, "a.txt": "a\n"})
        self.head = bare.commit(
            "theirs", "faster", files={"a.txt": "b\n"}, parents=[self.base], tree_of=self.base
        )
        self.pull = github.pulls.from_fork(FORK, BRANCH, self.head, number=7)
        self.merge = self.merged(self.base)
        self.hashes = {
            case.id: case.workload_hash() for case in parse_suite(SUITE, source="x").cases
        }

    def merged(self, base, head=None):
        """GitHub's merge of the pull request into a commit of its base."""
        head = head or self.head
        bare = self.github.bare
        tree = bare.git("rev-parse", f"{head}^{{tree}}")
        return bare.make_commit(tree, "merge", [base, head])

    def case(self, name, head=STEADY, base=STEADY, **more):
        return a_case_record(
            name, base=base, head=head, workload_hash=self.hashes.get(name, "f" * 16), **more
        )

    def record(self, *cases, **more):
        """What their job left: both cases as fast as base, unless told."""
        told = {
            "suite": "tiny",
            "base": Tree(commit=self.base, ref="main"),
            "head": Tree(commit=self.merge, ref="merge"),
            **more,
        }
        return a_record(cases or [self.case("wan"), self.case("flux")], **told)

    def uploads(self, record, *, name="perfgate-tiny", run=RUN, **more):
        """Upload a folder with this record, and with a decision that says that all is well."""
        text = record if isinstance(record, str | bytes) else to_json(record)
        fine = to_json(a_decision(suite="tiny"))
        files = {"record.json": text, "decision.json": fine, "comment.md": "all is well"}
        return self.github.artifacts.add(run, name, packed(files), **more)

    def run(self, **more):
        told = {
            "id": RUN,
            "attempt": 1,
            "event": "pull_request",
            "conclusion": "success",
            "head_sha": self.head,
            "head_branch": BRANCH,
            "head_owner": "mallory",
            "head_repository": FORK,
        }
        return FinishedRun(**told | more)


def a_baseline(jobs, workload_hash):
    """The baseline of the case ``wan`` from jobs of so many milliseconds."""
    kept = None
    for number, launches in enumerate(jobs):
        case = a_case_record("wan", base=(), head=launches, workload_hash=workload_hash)
        when = f"2026-01-{number + 1:02}T00:00:00+00:00"
        kept = add_job(kept, a_record([case], created_at=when, suite="tiny"), "wan")
    return kept


class Log:
    """Edges that keep what was said."""

    def __init__(self):
        self.lines = []
        self.slept = []

    def say(self, kind, message):
        self.lines.append(f"{kind}: {message}")

    def now(self):
        return "2026-03-01 10:00 UTC"

    def sleep(self, seconds):
        self.slept.append(seconds)

    def token_hex(self):
        return "0" * 32

    @property
    def text(self):
        return "\n".join(self.lines)


class Published:
    """What came out: the folders in their order, what they were published about, the log."""

    def __init__(self, log):
        self.log = log
        self.about = []
        self.folders = []
        self.suites = []
        self.code = None

    @property
    def decisions(self):
        return [
            parse_decision((folder / "decision.json").read_text(), source="x")
            for folder in self.folders
        ]

    @property
    def decision(self):
        (found,) = self.decisions
        return found


def verdicts(decision):
    return {case.id: str(case.verdict) for case in decision.cases}
