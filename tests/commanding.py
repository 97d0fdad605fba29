"""People who write commands under a pull request of a fake repository, and the job that hears."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

from perfgate.app.answering.commands import AnswerRequest, answer
from perfgate.app.answering.scene import Place
from perfgate.errors import ExitCode
from perfgate.github.answering import GitHubAnswering
from perfgate.github.event import Event, WrittenComment
from perfgate.report.answers import read_answers
from tests.fakes.github_people import Run
from tests.fakes.github_pulls import Pull
from tests.fakes.github_server import BOT

TODAY = date(2026, 3, 1)
WRITTEN = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
INPUTS = frozenset({"cases", "pull-request", "head", "base", "labels", "request"})


class Talk:
    """Comments on pull request 7 of a repository, one after the other."""

    def __init__(self, github):
        self.github = github
        self.said = []
        self.pauses = []

    def __call__(self, body, *, author="ann", **how):
        """Write a comment, and let the job hear it; returns its number."""
        comment = self.github.add_comment(body, author=author)
        assert self.hear(comment, body, author=author, **how) == ExitCode.OK
        return comment

    def hear(
        self,
        comment,
        body,
        *,
        author="ann",
        number=7,
        is_new=True,
        strict=False,
        token="a-token",
        written=WRITTEN,
    ):
        """The job of one comment; a second one for the same comment is a job that is run again."""
        told = WrittenComment(
            id=comment, author=author, body=body, is_new=is_new, created_at=written
        )
        event = Event(
            name="issue_comment",
            repository=self.github.repository,
            pull_request=number,
            default_branch="main",
            comment=told,
        )
        place = Place(
            repository=self.github.repository,
            url="https://ghe.example.org/octo/bench",
            suite="perfgate.yml",
            workflow="perfgate.yml",
            today=TODAY,
        )
        edges = SimpleNamespace(
            say=lambda kind, text: self.said.append((kind, text)), sleep=self.pauses.append
        )
        return answer(
            AnswerRequest(event=event, place=place, strict=strict),
            edges,
            open_api=self._open if token else None,
        )

    def _open(self):
        return GitHubAnswering(
            token="a-token",
            repository=self.github.repository,
            api_url=self.github.url,
            seconds_between_writes=0,
        )

    @property
    def comment(self):
        """The text of our one comment on the pull request."""
        (found,) = [one for one in self.github.by(BOT) if one["pull_request"] == 7]
        return found["body"]

    @property
    def answers(self):
        return read_answers(self.comment)

    def reactions(self, comment):
        return self.github.people.reactions_on(comment)


def a_change(github, *, fork=None):
    """Pull request 7, from branch ``feature``, whose push started the measuring run 500."""
    main = github.bare.tip("main")
    files = {"src.py": "1\n"}
    head = github.bare.commit("feature", "faster", files=files, parents=[main], tree_of=main)
    if fork is None:
        pull = Pull(
            number=7,
            author="someone",
            title="Make it faster",
            body="",
            head="feature",
            base="main",
            draft=False,
            labels=["perf", "a,b"],
        )
        github.pulls.all.append(pull)
    else:
        github.pulls.from_fork(fork, "feature", head, number=7)
    a_run(github, head, repository=fork or github.repository)
    return head


def a_run(github, head, *, at="2026-03-01T11:00:00Z", id=500, **rest):  # noqa: A002 - GitHub's word
    """The run that a push to the pull request started."""
    rest["head_repository"] = rest.pop("repository", github.repository)
    github.people.runs.append(Run(id=id, head_sha=head, created_at=at, **rest))


def push(github, *, at, **rest):
    """Another commit on the pull request's branch, and the run that it started."""
    head = github.bare.commit("feature", "more", files={"src.py": "2\n"})
    a_run(github, head, at=at, id=501, **rest)
    return head
