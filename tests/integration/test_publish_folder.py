"""Publishing a finished folder: the verdict is told first, whatever GitHub does afterwards."""

import contextlib
import json

import pytest

from perfgate.app.publishing.publish import PublishRequest, publish
from perfgate.errors import ConfigurationError, ExitCode
from perfgate.github.event import Event
from perfgate.records import Problem
from perfgate.report.comment import marker
from tests.factories import a_decision
from tests.fakes.github_server import BOT, FakeGitHub
from tests.publishing import FakeEdges, Publisher, a_regression, write
from tests.repositories import perfgate


@pytest.fixture
def github():
    with FakeGitHub() as server:
        yield server


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "perfgate-out"


@pytest.fixture
def edges():
    return FakeEdges()


@pytest.fixture
def run(github, edges, folder):
    return Publisher(github=github, edges=edges, folder=folder)


def test_regression__summary_outputs_comment(run, edges, github):
    assert run(a_regression()) is ExitCode.OK
    (comment,) = github.by(BOT)
    found = run.outputs()
    assert found["verdict"] == "regressed"
    assert json.loads(found["regressions"])[0]["metric"] == "DecodingStage"
    assert found["decision-path"] == "perfgate-out/decision.json"
    assert found["comment-url"].endswith(f"#issuecomment-{comment['id']}")
    assert "DecodingStage" in run.summary()
    assert "DecodingStage" in comment["body"]
    (error,) = edges.told("error")
    assert "1 of 1 case" in error


def test_success__no_annotation_but_where_comment_and_check_run_are(run, edges):
    run()
    assert [kind for kind, _ in edges.said] == ["notice", "notice"]
    assert "#issuecomment-" in edges.told("notice")[0]
    assert "/runs/" in edges.told("notice")[1]


def test_second_result__keeps_the_first_in_its_list(run, github):
    run(a_regression(head={"commit": "c" * 40, "ref": "feature"}))
    run(a_decision())
    (comment,) = github.by(BOT)
    assert comment["edits"] == 1
    assert "Earlier results" in comment["body"]
    assert "c" * 7 in comment["body"]


def test_two_suites__a_comment_each(run, github):
    run(a_decision(suite="perfgate"))
    run(a_decision(suite="nightly"))
    run(a_decision(suite="perfgate"))
    assert len(github.by(BOT)) == 2


def test_marker_in_another_accounts_comment__left_alone(run, github):
    github.add_comment(f"{marker('perfgate')}\nforged", author="someone")
    run()
    assert [comment["author"] for comment in github.comments] == ["someone", BOT]


@pytest.mark.parametrize(("strict", "code"), [(False, ExitCode.OK), (True, ExitCode.PUBLISH)])
@pytest.mark.parametrize("why", ["403", "down", "no token"])
def test_cannot_comment__the_verdict_is_told_all_the_same(run, edges, github, why, strict, code):
    how = {}
    if why == "403":
        github.read_only = True
    if why == "down":
        github.fail("GET", "", how="drop", times=99)
    if why == "no token":
        how["token"] = ""
    assert run(a_regression(), strict=strict, **how) is code
    assert run.outputs()["verdict"] == "regressed"
    assert "comment-url" not in run.outputs()
    assert run.summary()
    if why == "403":
        assert "pull-requests: write" in edges.told("warning")[0]
    if why == "down":
        assert "could not be reached" in edges.told("warning")[0]
    if why == "no token":
        assert "github-token" in edges.told("notice")[0]


def test_summary_and_outputs_are_written_before_github_is_asked(folder, edges, tmp_path):
    @contextlib.contextmanager
    def open_comments():
        assert (tmp_path / "output").read_text().startswith("verdict<<")
        assert (tmp_path / "summary").read_text()
        raise KeyboardInterrupt
        yield

    write(folder, a_decision())
    request = PublishRequest(
        folder=folder,
        event=Event(name="pull_request", pull_request=7),
        output_file=tmp_path / "output",
        summary_file=tmp_path / "summary",
    )
    with pytest.raises(KeyboardInterrupt):
        publish(request, edges, open_comments=open_comments)


def test_comment_not_wanted__github_is_not_asked(run, github):
    assert run(comment="never", strict=True) is ExitCode.OK
    assert github.comments == []
    assert github.asked("GET", "/issues/") == []


def test_full_disk__told_and_commented_all_the_same(folder, edges, github):
    write(folder, a_decision())
    request = PublishRequest(
        folder=folder,
        event=Event(name="pull_request", pull_request=7),
        output_file=folder / "no" / "such" / "folder",
        comment="never",
        strict=True,
    )
    assert publish(request, edges, open_comments=None) is ExitCode.PUBLISH
    assert "could not be written" in edges.told("warning")[0]


def test_job_that_could_not_decide__says_why(run, edges, github):
    problem = Problem(problem="perfgate.yml is broken", fix="Mend it.", exit_code=2)
    run(a_decision([], problem=problem, conclusion="failure", exit_code=2))
    assert "perfgate.yml is broken" in edges.told("error")[0]
    assert "perfgate.yml is broken" in github.by(BOT)[0]["body"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"schema": "perfgate.record"}', "[" * 50_000, "\ud800"],
    ids=["empty", "cut off", "list", "record", "deep", "surrogate"],
)
def test_damaged_decision(folder, edges, text):
    folder.mkdir()
    (folder / "decision.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigurationError) as raised:
        publish(PublishRequest(folder=folder, event=Event(name="push")), edges, open_comments=None)
    assert "decision.json" in raised.value.problem
    assert raised.value.fix


def test_no_decision(folder, edges):
    folder.mkdir()
    with pytest.raises(ConfigurationError, match=r"decision\.json cannot be read"):
        publish(PublishRequest(folder=folder, event=Event(name="push")), edges, open_comments=None)


def test_command_line__on_a_laptop(folder, tmp_path):
    write(folder, a_regression())
    done = perfgate(tmp_path, "publish", "perfgate-out")
    assert done.returncode == 0
    assert "no GitHub Actions run" in done.stderr
    assert done.stdout == ""


def test_command_line__key_that_is_none(folder, tmp_path):
    write(folder, a_regression())
    done = perfgate(tmp_path, "publish", "--key", "a b", "perfgate-out")
    assert done.returncode == 2
    assert "the key a b cannot stand" in done.stderr


def test_command_line__on_a_runner(folder, tmp_path, github):
    write(folder, a_regression())
    (tmp_path / "event.json").write_text(
        json.dumps(
            {
                "pull_request": {
                    "number": 7,
                    "head": {"sha": "a" * 40, "repo": {"full_name": github.repository}},
                    "base": {"sha": "b" * 40, "ref": "main"},
                }
            }
        )
    )
    runner = {
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_REPOSITORY": github.repository,
        "GITHUB_API_URL": github.url,
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_TOKEN": "a-token",
        "GITHUB_RUN_ID": "77",
    }
    (tmp_path / ".git").mkdir()
    (tmp_path / "perfgate.yml").write_text("version: 1\ncases:\n\n  - id: wan_t2v_tiny\n")
    done = perfgate(tmp_path, "publish", "--strict-publish", "perfgate-out", **runner)
    assert done.returncode == 0, done.stderr
    assert len(github.by(BOT)) == 1
    (check,) = github.checks.runs
    (beside,) = check["annotations"]
    assert (beside["path"], beside["start_line"]) == ("perfgate.yml", 4)
    assert all(line.startswith("::") for line in done.stdout.splitlines())
    assert "a-token" not in done.stdout + done.stderr


def test_command_line__no_folder(tmp_path):
    done = perfgate(tmp_path, "publish", "nowhere")
    assert done.returncode == 2
    assert "decision.json cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
