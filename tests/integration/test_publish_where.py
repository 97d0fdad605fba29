"""Where a result is told: by event, permission, comment policy, key, and the jobs beside it."""

import pytest

from perfgate.app.publishing.request import SuiteText
from perfgate.errors import ExitCode
from perfgate.github.event import FinishedRun
from tests.factories import a_case_decision, a_decision, a_metric
from tests.fakes.github_server import BOT, FakeGitHub
from tests.publishing import HEAD, FakeEdges, Publisher, a_regression

SUITE = """\
version: 1
name: wan
cases:
  - id: wan_t2v_tiny
    backend: command
  - backend: command
    id: flux_tiny
"""
FORK = {"is_fork": True}
NO_PULL_REQUEST = {"pull_request": None, "name": "push", "base_ref": "main"}


@pytest.fixture
def github():
    with FakeGitHub() as server:
        yield server


@pytest.fixture
def edges():
    return FakeEdges()


@pytest.fixture
def run(github, edges, tmp_path):
    return Publisher(github=github, edges=edges, folder=tmp_path / "perfgate-out")


def cases(**verdicts):
    """A decision of cases by name and verdict, which fails where something is slower."""
    metrics = {
        word: [a_metric("end-to-end", 1000.0, 1100.0, word)]
        for word in {*verdicts.values()} - {"failed", "missing", "incomparable", "new"}
    }
    decided = [
        a_case_decision(name, word, metrics.get(word, [])) for name, word in verdicts.items()
    ]
    bad = "regressed" in verdicts.values()
    return a_decision(decided, conclusion="failure" if bad else "success", exit_code=int(bad))


# The check run


def test_check_run__verdict_page_and_the_suites_lines(run, github, edges):
    verdicts = {"flux_tiny": "regressed", "wan_t2v_tiny": "inconclusive", "gone": "missing"}
    assert run(cases(**verdicts), suite=SuiteText(path="./ci/wan.yml", text=SUITE)) is ExitCode.OK
    (check,) = github.checks.runs
    assert check["name"] == "perfgate/perfgate"
    assert (check["head_sha"], check["conclusion"]) == (HEAD, "failure")
    assert check["title"].startswith("🔴 perfgate: 1 of 3 cases is slower")
    assert "flux_tiny" in check["summary"]
    assert check["details_url"].endswith("/actions/runs/77/attempts/1")
    beside = [
        (one["path"], one["start_line"], one["annotation_level"]) for one in check["annotations"]
    ]
    assert beside == [
        ("ci/wan.yml", 7, "failure"),
        ("ci/wan.yml", 1, "warning"),
        ("ci/wan.yml", 4, "warning"),
    ]
    assert any(check["name"] in told for told in edges.told("notice"))


@pytest.mark.parametrize(
    ("decision", "conclusion"),
    [
        (a_decision(), "success"),
        (a_decision(conclusion="neutral"), "neutral"),
        (a_regression(), "failure"),
    ],
)
def test_check_run__conclusion(run, github, decision, conclusion):
    run(decision)
    assert github.checks.runs[0]["conclusion"] == conclusion


def test_check_run__nothing_wrong_or_no_suite_file__no_line(run, github):
    run(a_decision(), suite=SuiteText(path="perfgate.yml", text=SUITE))
    run(a_regression())
    assert [check["annotations"] for check in github.checks.runs] == [[], []]


def test_check_run__published_again_is_the_same(run, github):
    for attempt in (1, 2):
        run(a_regression(), event={"run_attempt": attempt})
    assert len(github.checks.runs) == 1


@pytest.mark.parametrize("strict", [False, True])
def test_check_run__not_granted__a_notice_that_says_what_to_grant(run, github, edges, strict):
    github.checks.granted = False
    assert run(a_regression(), strict=strict) is ExitCode.OK
    (told,) = [one for one in edges.told("notice") if "No check run" in one]
    assert "checks: write" in told
    assert edges.told("warning") == []
    assert len(github.by(BOT)) == 1


def test_check_run__rate_limit__is_no_missing_permission(run, github, edges):
    github.fail("POST", "/check-runs", status=403, message="API rate limit exceeded", times=99)
    assert run(a_regression(), strict=True) is ExitCode.PUBLISH
    assert "rate limit" in edges.told("warning")[0]


@pytest.mark.parametrize(("strict", "code"), [(False, ExitCode.OK), (True, ExitCode.PUBLISH)])
def test_check_run__github_is_down__a_warning(run, github, edges, strict, code):
    github.fail("POST", "/check-runs", status=500, times=99)
    assert run(a_regression(), strict=strict) is code
    assert "no whole check run" in edges.told("warning")[0]
    assert len(github.by(BOT)) == 1


@pytest.mark.parametrize("event", [{"head_sha": None}, {"run_id": None}], ids=["commit", "run"])
def test_check_run__not_without_a_commit_and_a_run(run, github, event):
    assert run(a_regression(), event=event, strict=True) is ExitCode.OK
    assert github.checks.runs == []


def test_check_run__of_the_run_that_measured(run, github):
    """Delivered twice, a finished run is published by two runs: the check run is one."""
    finished = a_finished_run()
    for number in (90, 91):
        event = {"name": "workflow_run", "finished": finished, "run_id": number, "is_fork": True}
        run(a_regression(), event=event)
    (check,) = github.checks.runs
    assert check["details_url"] == "https://github.com/octo/bench/actions/runs/77/attempts/1"
    (comment,) = github.by(BOT)
    assert comment["edits"] == 0


def a_finished_run():
    return FinishedRun(
        id=77,
        attempt=1,
        event="pull_request",
        conclusion="failure",
        head_sha=HEAD,
        head_branch="topic",
        head_owner="someone",
        head_repository="someone/bench",
    )


# Events


@pytest.mark.parametrize("policy", ["always", "never"])
def test_fork__asks_nothing_of_github_and_says_where_it_is_commented(run, github, edges, policy):
    how = {"token": "", "event": FORK, "comment": policy, "strict": True}
    assert run(a_regression(), **how) is ExitCode.OK
    assert github.exchanges == []
    assert edges.told("warning") == []
    (told,) = edges.told("notice")
    assert "publish workflow" in told
    assert "token" not in told.replace("this job's token can only read", "")
    assert "The publish workflow comments the result" in run.summary()


@pytest.mark.parametrize("name", ["push", "schedule", "workflow_dispatch", "merge_group"])
def test_no_pull_request__a_check_run_alone(run, github, name):
    event = NO_PULL_REQUEST | {"name": name}
    assert run(a_regression(), event=event, strict=True) is ExitCode.OK
    assert github.comments == []
    assert len(github.checks.runs) == 1


def test_finished_run_without_a_pull_request__not_published(run, github):
    event = {"name": "workflow_run", "pull_request": None}
    assert run(a_regression(), event=event, strict=True) is ExitCode.PUBLISH
    assert github.comments == []


# When a result is worth a comment


@pytest.mark.parametrize(
    ("policy", "decision", "commented"),
    [
        ("always", cases(a="passed"), True),
        ("changes", cases(a="passed", b="new"), False),
        ("changes", cases(a="improved"), True),
        ("changes", cases(a="accepted"), True),
        ("changes", cases(a="inconclusive"), True),
        ("changes", cases(a="incomparable"), True),
        ("changes", cases(a="missing"), True),
        ("changes", cases(a="failed"), True),
        ("changes", cases(a="regressed"), True),
        ("changes", a_decision([], conclusion="failure", exit_code=4), True),
        ("changes", a_decision(interrupted="SIGTERM"), True),
        ("failures", cases(a="improved"), False),
        ("failures", cases(a="inconclusive"), False),
        ("failures", cases(a="regressed"), True),
        ("never", cases(a="regressed"), False),
    ],
)
def test_policy(run, github, policy, decision, commented):
    assert run(decision, comment=policy, strict=True) is ExitCode.OK
    assert len(github.by(BOT)) == int(commented)


@pytest.mark.parametrize("policy", ["changes", "failures"])
def test_policy__a_red_comment_that_is_not_true_any_more_turns_green(run, github, policy):
    run(a_regression(), comment=policy)
    run(a_decision(), comment=policy, event={"run_id": 78, "run_url": "https://e.org/runs/78"})
    (comment,) = github.by(BOT)
    assert "🟢" in comment["body"]
    assert "Earlier results" in comment["body"]


def test_policy__never_leaves_a_comment_as_it_is(run, github):
    run(a_regression())
    run(a_decision(), comment="never")
    assert "🔴" in github.by(BOT)[0]["body"]


# Several suites, several jobs


def test_suites__a_comment_and_a_check_run_each(run, github):
    for suite in ("perfgate", "wan nightly", "flux/nightly"):
        run(a_regression(suite=suite))
    assert len(github.by(BOT)) == 3
    names = [check["name"] for check in github.checks.runs]
    assert names[:2] == ["perfgate/perfgate", "perfgate/wan nightly"]
    assert names[2].startswith("perfgate/flux-nightly-")


def test_key__in_comment_and_check_run(run, github):
    run(a_regression(), key="h100")
    run(a_regression())
    assert len(github.by(BOT)) == 2
    names = [check["name"] for check in github.checks.runs]
    assert names == ["perfgate/perfgate/h100", "perfgate/perfgate"]


def test_matrix_without_keys__told_to_name_one_and_none_overwritten(run, github, edges):
    on_h100 = a_regression(hardware_key="nvidia-h100-x1")
    on_a100 = a_regression(hardware_key="nvidia-a100-x1")
    others = cases(other="regressed").model_copy(update={"hardware_key": "nvidia-h100-x1"})
    for _ in range(2):
        for decision in (on_h100, on_a100, others):
            run(decision)
    comments = github.by(BOT)
    assert len(comments) == 3
    assert ["nvidia-a100-x1" in one["body"] for one in comments] == [False, True, False]
    names = [check["name"] for check in github.checks.runs]
    assert names[:2] == ["perfgate/perfgate", "perfgate/perfgate/nvidia-a100-x1"]
    assert names[2].startswith("perfgate/perfgate/nvidia-h100-x1-")
    assert len(names) == 3
    told = [one for one in edges.told("notice") if "Another job of this run" in one]
    assert any("nvidia-a100-x1" in one and "`key`" in one for one in told)


def test_matrix_without_keys__the_next_run_finds_its_places_in_any_order(run, github):
    jobs = [a_regression(hardware_key=f"nvidia-{name}-x1") for name in ("h100", "a100")]
    for number, order in ((77, jobs), (78, jobs[::-1])):
        for decision in order:
            event = {"run_id": number, "run_url": f"https://e.org/runs/{number}"}
            run(decision, event=event)
    first, second = github.by(BOT)
    assert "nvidia-h100-x1" in first["body"]
    assert "nvidia-a100-x1" in second["body"]
    assert first["edits"] == second["edits"] == 1
