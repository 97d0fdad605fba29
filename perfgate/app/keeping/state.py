"""What a suite keeps beside baseline files, for an audit: margins, acceptances, launches.

Reads the working tree and one earlier commit; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from perfgate.app.keeping.earlier import InCommit, OtherFile, read_text
from perfgate.baselines.accepted import NAME as ACCEPTED
from perfgate.baselines.accepted import parse_accepted
from perfgate.baselines.audit_accepted import Key
from perfgate.baselines.audit_native import parsed
from perfgate.baselines.audit_native_against import Terms, values_of
from perfgate.baselines.audit_state import Kept
from perfgate.baselines.places import Document, read_document
from perfgate.records import GatePolicy
from perfgate.suite import Gate, SglangFiles, Suite, parse_suite


@dataclass(frozen=True, kw_only=True)
class State:
    """What stands beside the files of one repository, now and in an earlier commit.

    Margins are those of the earlier commit, since no change widens its own; permissions are those
    that the change brings along for the reviewer. ``suite`` is None where there is none.
    """

    earlier: InCommit | OtherFile
    suite: Suite | None
    policy: GatePolicy
    today: date

    @classmethod
    def of(cls, earlier: InCommit | OtherFile, *, suite: str, today: date) -> State:
        """Raises ConfigurationError for a suite that cannot be read; there may be none."""
        now, then = None, None
        if isinstance(earlier, InCommit):
            file, text = earlier.git.root / suite, earlier.git.file_at(earlier.commit, suite)
            then = parse_suite(text, source=f"{suite} in {earlier.told}") if text else None
            now = parse_suite(read_text(file), source=suite) if file.exists() else None
        judge = then or now
        policy = judge.gate.policy() if judge is not None else Gate().policy()
        return cls(earlier=earlier, suite=now, policy=policy, today=today)

    def terms(self, path: Path) -> Terms:
        """What the file at ``path`` may say. Raises BaselineError for acceptances in disorder."""
        beside = self._folder_of(path) / ACCEPTED
        accepted = parse_accepted(read_text(beside), source=str(beside)) if beside.is_file() else ()
        return Terms(policy=self.policy, accepted=accepted, today=self.today)

    def kept(self, path: Path, scenarios: Iterable[str]) -> dict[str, Kept]:
        """The launches of the scenarios of sglang's file at ``path``, where the suite has some.

        Of a scenario that several machines measured, those of the last key that has it.
        """
        known = set(scenarios)
        return {file.stem: kept for file, kept in self._launches(path) if file.stem in known}

    def figures(self, permissions: Path) -> dict[Key, float]:
        """What the launches beside a file of permissions give, by hardware, case and metric."""
        found: dict[Key, float] = {}
        for file in sorted(permissions.parent.glob("*/*.json")):
            baseline = parsed(_document(read_text(file), file))
            for metric, value in values_of(baseline).items() if baseline is not None else ():
                found[(file.parent.name, file.stem, metric)] = value
        return found

    def _launches(self, path: Path) -> Iterator[tuple[Path, Kept]]:
        files, root = self._sglang(), self._root()
        if files is None or root is None or not path.resolve().is_relative_to(root):
            return
        named = path.resolve().relative_to(root).as_posix()
        for folder in sorted((root / files.state).glob("*/")):
            if files.file_of(folder.name) != named:
                continue
            for file in sorted(folder.glob("*.json")):
                new = _document(read_text(file), file)
                text = self.earlier.text(file)
                if new is not None:
                    yield file, Kept(new=new, old=_document(text, file) if text else None)

    def _folder_of(self, path: Path) -> Path:
        """The folder of acceptances: above a hardware key's, or the suite's for other formats."""
        files, root = self._sglang(), self._root()
        if files is not None and root is not None:
            return root / files.state
        return path.resolve().parent.parent

    def _sglang(self) -> SglangFiles | None:
        return self.suite.sglang if self.suite is not None else None

    def _root(self) -> Path | None:
        return self.earlier.git.root if isinstance(self.earlier, InCommit) else None


def _document(text: str, path: Path) -> Document | None:
    """None for what is no JSON, which an audit of that file tells."""
    try:
        return read_document(text, name=path.name)
    except (ValueError, RecursionError):
        return None
