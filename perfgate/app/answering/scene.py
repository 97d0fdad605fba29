"""What a command is answered on: who asked, under which pull request, and the suite; only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from perfgate.errors import ConfigurationError, PerfgateError
from perfgate.github.branches import Snapshot
from perfgate.github.event import WrittenComment
from perfgate.github.hearing import HearingApi
from perfgate.github.runs import ProposedChange
from perfgate.report.escape import escape_markdown
from perfgate.suite import Suite, parse_suite

WORKFLOWS = ".github/workflows"


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a command came to, as markdown of our own, and whether it did what was asked."""

    text: str
    done: bool = True


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where commands are heard: one repository and its files.

    ``suite`` is the suite's path below the repository, ``workflow`` the file of the workflow that
    measures, ``url`` the repository's own address.
    """

    repository: str
    url: str
    suite: str
    workflow: str
    today: date


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A comment under a pull request, and what stands on the default branch at that moment."""

    place: Place
    api: HearingApi
    number: int
    comment: WrittenComment
    base: str
    files: Snapshot

    def suite(self) -> Suite:
        """The suite on the default branch; ConfigurationError where there is none to be read."""
        path = self.place.suite
        text = self.files.text(path)
        if text is None:
            raise ConfigurationError(
                f"there is no suite file {path} on {self.base}",
                fix="Name it with the input suite of the commands workflow.",
            )
        return parse_suite(text, source=f"{path} on {self.base}")

    def suite_name(self) -> str:
        """The suite's name, or the default where the suite cannot be read."""
        try:
            return self.suite().name
        except ConfigurationError:
            default: str = Suite.model_fields["name"].default
            return default

    def change(self) -> ProposedChange:
        return self.api.change(self.number)


def read_scene(
    place: Place, api: HearingApi, *, number: int, comment: WrittenComment, base: str | None
) -> Scene:
    """The scene, at the newest commit of the default branch ``base`` (None: GitHub is asked)."""
    base = base or api.default_branch()
    tip = api.tip(base)
    if tip is None:
        raise ConfigurationError(
            f"the repository has no branch {base}", fix="Push a first commit to it."
        )
    return Scene(
        place=place,
        api=api,
        number=number,
        comment=comment,
        base=base,
        files=Snapshot(api=api, commit=tip),
    )


def failed(error: PerfgateError) -> Said:
    """An error as the answer to a command."""
    told = f"{error.problem}. {error.fix}" if error.fix else error.problem
    return Said(text=escape_markdown(told, limit=900), done=False)


def no(text: str) -> Said:
    """A refusal in our own words, with nothing in them that needs to be escaped."""
    return Said(text=text, done=False)
