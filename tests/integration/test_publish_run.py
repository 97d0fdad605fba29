"""A fork's finished run, published from what it uploaded: judged anew by the base, or not."""

from __future__ import annotations

import pytest

from perfgate.app.publish_run import PublishRun, publish_run
from perfgate.baselines.entry import add_job
from perfgate.baselines.native import render_baseline
from perfgate.errors import ExitCode
from perfgate.github.artifacts import GitHubRuns
from perfgate.github.event import Event, FinishedRun
from perfgate.records import Origin, Tree, parse_decision, to_json
from perfgate.suite import parse_suite
from tests.factories import a_case_record, a_decision, a_record
from tests.fakes.github_artifacts import packed
from tests.fakes.github_server import FakeGitHub

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


@pytest.fixture
def github(tmp_path):
    with FakeGitHub(token="a-s3cret-token", folder=tmp_path / "origin.git") as server:
        yield server


@pytest.fixture
def project(github):
    return Project(github)


@pytest.fixture
def publish(github, tmp_path):
    def publish(run, *, suites=("perfgate.yml",)):
        published = Published(Log())

        def publish_folder(folder, about, suite):
            published.folders.append(folder)
            published.suites.append(suite)
            published.about.append(about)
            return ExitCode.OK

        event = Event(name="workflow_run", repository=github.repository, finished=run)
        request = PublishRun(event=event, suites=suites, output_dir=tmp_path / "out")
        with GitHubRuns(
            token="a-s3cret-token",
            repository=github.repository,
            api_url=github.url,
            seconds_between_writes=0,
        ) as api:
            published.code = publish_run(
                request, published.log, api=api, publish_folder=publish_folder
            )
        return published

    return publish


def verdicts(decision):
    return {case.id: str(case.verdict) for case in decision.cases}


def test_publish_run__the_record_is_judged_and_the_artifacts_own_decision_is_not_read(
    project, publish
):
    project.uploads(project.record(project.case("wan", head=SLOWER), project.case("flux")))
    found = publish(project.run())
    assert verdicts(found.decision) == {"wan": "regressed", "flux": "passed"}
    assert found.decision.conclusion == "failure"
    assert found.decision.measured_by_fork
    (about,) = found.about
    assert (about.pull_request, about.head_sha, about.is_fork) == (7, project.head, True)
    (folder,) = found.folders
    for name in ("comment.md", "summary.md"):
        assert "Measured by the fork's own code" in (folder / name).read_text()
    assert found.code == ExitCode.OK


def test_publish_run__the_token_never_leaves_github(github, project, publish):
    project.uploads(project.record())
    publish(project.run())
    (asked,) = github.artifacts.storage.headers
    assert "authorization" not in asked
    assert all("s3cret" not in value for value in asked.values())


def test_publish_run__a_case_that_is_left_out_is_missing(project, publish):
    project.uploads(project.record(project.case("wan")))
    found = publish(project.run())
    assert verdicts(found.decision) == {"wan": "passed", "flux": "missing"}
    assert found.decision.conclusion == "failure"
    assert "the record has no launch of it" in (found.folders[0] / "comment.md").read_text()


def test_publish_run__a_case_without_launches_is_missing(project, publish):
    empty = project.case("flux", base=(), head=(), burn_in=None, stopped="all fine, trust me")
    project.uploads(project.record(project.case("wan"), empty))
    assert verdicts(publish(project.run()).decision) == {"wan": "passed", "flux": "missing"}


def test_publish_run__no_excuse_by_a_workload_that_did_not_change(project, publish):
    """The change does not touch the suite, so that no case can compute something else."""
    excused = project.case("flux", base=(), head=(), burn_in=None, origin=Origin.WORKLOAD_CHANGED)
    project.uploads(project.record(project.case("wan"), excused))
    assert verdicts(publish(project.run()).decision)["flux"] == "missing"


def test_publish_run__the_suites_own_conditions_are_looked_at(github, project, publish):
    project.head = github.bare.commit(
        "theirs", "docs", files={"docs/x.md": "x\n"}, parents=[project.head]
    )
    github.bare.git("update-ref", "refs/pull/7/head", project.head)
    project.merge = project.merged(project.base)
    project.uploads(project.record())
    assert verdicts(publish(project.run()).decision)["docs"] == "missing"


def test_publish_run__policy_and_permissions_are_the_bases(project, publish):
    slower = project.case(
        "wan", head=SLOWER, allow={"output": "all of it"}, origin=Origin.NEW, stopped="no"
    )
    record = project.record(slower, project.case("flux"), margin=5.0, missing="neutral")
    project.uploads(record.model_copy(update={"notes": ("reviewed by @alice: merge it",)}))
    found = publish(project.run())
    assert verdicts(found.decision) == {"wan": "regressed", "flux": "passed"}
    assert "another policy than the base's" in found.decision.notes[0]
    assert "alice" not in (found.folders[0] / "comment.md").read_text()


def test_publish_run__a_suite_of_the_change_judges_nothing(github, project, publish):
    lax = SUITE.replace("margin: 3%", "margin: 300%")
    project.head = github.bare.commit(
        "theirs", "lax", files={"perfgate.yml": lax}, parents=[project.head]
    )
    github.bare.git("update-ref", "refs/pull/7/head", project.head)
    project.merge = project.merged(project.base)
    project.uploads(project.record(project.case("wan", head=SLOWER), project.case("flux")))
    found = publish(project.run())
    assert verdicts(found.decision)["wan"] == "regressed"
    assert any("changes its own gate (perfgate.yml)" in note for note in found.decision.notes)
    assert found.suites == [None]


def test_publish_run__a_new_case_is_told_and_not_judged(project, publish):
    new = project.case("their_own", head=SLOWER)
    project.uploads(project.record(project.case("wan"), project.case("flux"), new))
    found = publish(project.run())
    assert verdicts(found.decision)["their_own"] == "new"
    assert found.decision.conclusion == "neutral"


def test_publish_run__a_permission_counts_from_the_newest_base(github, project, publish):
    accepted = """\
version: 1
accepted:
  - case: wan
    metric: end-to-end
    hardware: cpu-test-x2
    reference: {value: 1000.0, unit: ms, commit: %s}
    ceiling: 1.5
    reason: the new sampler
    issue: https://example.org/55
    expires: 2026-12-31
    asked_by: ann
""" % ("c" * 40)
    github.bare.commit("main", "accept", files={"baselines/accepted.yml": accepted})
    project.uploads(
        project.record(
            project.case(
                "wan",
                head=[{"total": ms, "DenoisingStage": ms} for ms in SLOWER],
                base=[{"total": ms, "DenoisingStage": ms} for ms in STEADY],
            ),
            project.case("flux"),
        )
    )
    found = publish(project.run())
    rows = {row.name: str(row.verdict) for row in found.decision.cases[0].metrics}
    assert rows["end-to-end"] == "accepted"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"head_sha": "e" * 40}, "is at another commit than eeeeeeeeeeee by now"),
        ({"head_branch": "other"}, "no open pull request is from mallory/bench:other"),
        ({"head_repository": "mallory/copy"}, "no open pull request is from mallory/copy:faster"),
        ({"head_owner": "", "head_repository": ""}, "is gone"),
        ({"event": "push"}, "was for push"),
        ({"event": "workflow_dispatch"}, "was for workflow_dispatch"),
        ({"event": "issue_comment"}, "was for issue_comment"),
    ],
)
def test_publish_run__nothing_where_the_pull_request_is_not_sure(project, publish, change, told):
    project.uploads(project.record())
    found = publish(project.run(**change))
    assert found.folders == []
    assert told in found.log.text
    assert "Nothing is published" in found.log.text
    assert found.code == ExitCode.OK


def test_publish_run__nothing_where_two_pull_requests_are_of_one_commit(github, project, publish):
    github.pulls.from_fork(FORK, BRANCH, project.head, number=9)
    project.uploads(project.record())
    found = publish(project.run())
    assert found.folders == []
    assert "several pull requests" in found.log.text


def test_publish_run__nothing_for_a_closed_pull_request(github, project, publish):
    github.pulls.close(project.pull)
    project.uploads(project.record())
    assert publish(project.run()).folders == []


def test_publish_run__nothing_without_artifacts_of_ours(github, project, publish):
    github.artifacts.add(RUN, "coverage", packed({"record.json": "{}"}))
    found = publish(project.run())
    assert found.folders == []
    assert "no artifact whose name starts with perfgate" in found.log.text


def test_publish_run__expired(project, publish):
    project.uploads(project.record(), expired=True)
    found = publish(project.run())
    assert found.folders == []
    assert "perfgate-tiny has expired" in found.log.text


def test_publish_run__of_two_attempts_the_newest(project, publish):
    project.uploads(project.record(project.case("wan", head=SLOWER), project.case("flux")))
    project.uploads(project.record())
    assert publish(project.run()).decision.conclusion == "success"


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (b"\xff", "UTF-8"),
        ("{}", "is not a record"),
        ("[" * 100_000, "is not a record"),
        ('{"schema": "perfgate.decision"}', "is not a record"),
    ],
)
def test_publish_run__an_artifact_that_holds_no_record_is_refused_aloud(
    project, publish, record, told
):
    project.uploads(record)
    found = publish(project.run())
    assert found.decision.conclusion == "failure"
    assert told in found.decision.problem.problem
    assert "warning: Not used: artifact perfgate-tiny" in found.log.text
    assert found.about[0].pull_request == 7


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"head": Tree(commit="e" * 40, ref="x")}, "neither the last commit of pull request 7"),
        ({"base": Tree(commit="e" * 40, ref="x")}, "is no commit of this repository"),
        ({"base": Tree(commit="main", ref="x")}, "names no commits"),
        ({"base": None}, "names no commits"),
        ({"hardware_key": "../../x"}, "is no hardware key"),
    ],
)
def test_publish_run__a_record_of_something_else_is_refused(project, publish, change, told):
    project.uploads(project.record(**change))
    found = publish(project.run())
    assert told in found.decision.problem.problem
    assert found.decision.conclusion == "failure"


def test_publish_run__a_merge_into_their_own_commit_is_refused(github, project, publish):
    """A base of their own making would make any change look fast."""
    slow = github.bare.commit(
        "slow", "slow", files={"a.txt": "c\n"}, parents=[project.base], tree_of=project.base
    )
    record = project.record(
        base=Tree(commit=slow, ref="main"), head=Tree(commit=project.merged(slow), ref="merge")
    )
    project.uploads(record)
    assert "is not on the branch main" in publish(project.run()).decision.problem.problem


def test_publish_run__older_rules_cannot_be_chosen(github, project, publish):
    """A merge into an old commit of the base, whose suite was laxer, is judged by today's."""
    old = project.base
    strict = SUITE.replace("{id: flux,", "{id: flux, requests: 1,")
    project.base = github.bare.commit("main", "strict", files={"perfgate.yml": strict})
    record = project.record(
        base=Tree(commit=old, ref="main"), head=Tree(commit=project.merged(old), ref="merge")
    )
    project.uploads(record)
    told = publish(project.run()).decision.problem.problem
    assert "flux computes something else than the base's suite says" in told


def test_publish_run__the_head_commit_itself(github, project, publish):
    """Where their job checked out the last commit, its base is where it left the branch."""
    project.uploads(project.record(head=Tree(commit=project.head, ref="faster")))
    assert publish(project.run()).decision.conclusion == "success"


def test_publish_run__parts_of_a_suite_are_one(project, publish):
    project.uploads(project.record(project.case("wan")), name="perfgate-a")
    project.uploads(project.record(project.case("flux")), name="perfgate-b")
    found = publish(project.run())
    assert verdicts(found.decision) == {"wan": "passed", "flux": "passed"}


def test_publish_run__machines_stand_apart_the_worst_first(project, publish):
    project.uploads(project.record(), name="perfgate-a")
    slower = project.record(project.case("wan", head=SLOWER), project.case("flux"))
    other = slower.fingerprint.model_copy(update={"hardware_key": "cpu-other-x4"})
    project.uploads(slower.model_copy(update={"fingerprint": other}), name="perfgate-b")
    found = publish(project.run())
    told = [(one.hardware_key, one.conclusion) for one in found.decisions]
    assert told == [("cpu-other-x4", "failure"), ("cpu-test-x2", "success")]
    assert len({str(folder) for folder in found.folders}) == 2


def test_publish_run__each_suite_by_its_own_name(github, project, publish):
    other = SUITE.replace("name: tiny", "name: large")
    github.bare.commit("main", "another suite", files={"large.yml": other})
    base = github.bare.tip("main")
    where = {
        "base": Tree(commit=base, ref="main"),
        "head": Tree(commit=project.merged(base), ref="merge"),
    }
    project.uploads(project.record(**where), name="perfgate-tiny")
    project.uploads(project.record(**where, suite="large"), name="perfgate-large")
    project.uploads(project.record(**where, suite="::error::x"), name="perfgate-x")
    found = publish(project.run(), suites=("perfgate.yml", "large.yml"))
    assert {one.suite for one in found.decisions} == {"tiny", "large"}
    assert "is of the suite '::error::x', which is not published" in found.log.text


def test_publish_run__a_base_without_a_suite(project, publish):
    project.uploads(project.record())
    found = publish(project.run(), suites=("other.yml",))
    assert found.folders == []
    assert "no suite file other.yml" in found.log.text


def test_publish_run__baselines_and_calibration_of_the_base_that_cannot_be_trusted(
    github, project, publish
):
    base = github.bare.commit(
        "main", "broken", files={"baselines/cpu-test-x2/wan.json": "{}", "x": "y"}
    )
    record = project.record(
        base=Tree(commit=base, ref="main"), head=Tree(commit=project.merged(base), ref="merge")
    )
    project.uploads(record)
    found = publish(project.run())
    assert found.decision.exit_code == ExitCode.BASELINE


def test_publish_run__against_the_stored_jobs_of_the_base(github, project, publish):
    """What the base keeps of the record's machine decides; the change's own copy is not read."""
    path = "baselines/cpu-test-x2/wan.json"
    stored = render_baseline(a_baseline([STEADY] * 8, project.hashes["wan"]))
    theirs = render_baseline(a_baseline([SLOWER] * 8, project.hashes["wan"]))
    suite = SUITE.replace("strategy: paired", "strategy: baseline")
    base = github.bare.commit("main", "kept", files={"perfgate.yml": suite, path: stored})
    project.head = github.bare.commit(
        "theirs", "lax", files={path: theirs}, parents=[base], tree_of=base
    )
    github.bare.git("update-ref", "refs/pull/7/head", project.head)
    record = project.record(
        project.case("wan", head=SLOWER, base=()),
        project.case("flux", base=()),
        base=Tree(commit=base, ref="main"),
        head=Tree(commit=project.merged(base), ref="merge"),
    )
    project.uploads(record)
    found = publish(project.run())
    assert verdicts(found.decision) == {"wan": "regressed", "flux": "new"}
    assert any(f"changes its own gate ({path})" in note for note in found.decision.notes)


def a_baseline(jobs, workload_hash):
    """The baseline of the case ``wan`` from jobs of so many milliseconds."""
    kept = None
    for number, launches in enumerate(jobs):
        case = a_case_record("wan", base=(), head=launches, workload_hash=workload_hash)
        when = f"2026-01-{number + 1:02}T00:00:00+00:00"
        kept = add_job(kept, a_record([case], created_at=when, suite="tiny"), "wan")
    return kept


def test_publish_run__a_pull_request_of_the_same_repository(github, project, publish):
    github.bare.git("update-ref", "refs/heads/mine", project.head)
    pull = github.pulls.from_fork(github.repository, "mine", project.head, number=11)
    project.uploads(project.record())
    run = project.run(head_branch="mine", head_owner="octo", head_repository=github.repository)
    found = publish(run)
    assert not found.decision.measured_by_fork
    assert (found.about[0].pull_request, found.about[0].is_fork) == (pull.number, False)


def test_publish_run__a_merge_group_has_no_pull_request_and_gets_its_check(
    github, project, publish
):
    group = f"gh-readonly-queue/main/pr-7-{project.base}"
    github.bare.git("update-ref", f"refs/heads/{group}", project.merge)
    project.uploads(project.record())
    run = project.run(
        event="merge_group",
        head_branch=group,
        head_sha=project.merge,
        head_owner="octo",
        head_repository=github.repository,
    )
    found = publish(run)
    assert found.decision.conclusion == "success"
    assert (found.about[0].pull_request, found.about[0].head_sha) == (None, project.merge)


def test_publish_run__an_answer_that_is_lost_is_asked_for_again(github, project, publish):
    project.uploads(project.record())
    github.fail("GET", "/zip", status=502)
    github.fail("GET", "/pulls", how="drop")
    found = publish(project.run())
    assert found.decision.conclusion == "success"
    assert len(found.log.slept) == 2
