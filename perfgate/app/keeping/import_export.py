"""Carries figures between sglang's baseline files and perfgate's own; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from perfgate.app.keeping.kept_files import (
    folder_of,
    held,
    is_key,
    kept_below,
    newest_commit,
    read_kept,
    write_kept,
    write_whole,
)
from perfgate.app.measuring.trees import read_suite
from perfgate.baselines.native import Baseline, render_baseline
from perfgate.baselines.sglang import SglangBaseline, parse_sglang_baseline
from perfgate.baselines.sglang_edit import figures_of, new_file, updated_scenario
from perfgate.baselines.sglang_import import Origin, Workload, contradictions, imported
from perfgate.baselines.store import load_baselines
from perfgate.errors import BaselineError, ConfigurationError
from perfgate.sides.git import Git, open_repository
from perfgate.suite import Case, Suite

_MEASURE = "Measure instead: perfgate measure, then perfgate baseline update."
_ABOUT = "Of the launches that perfgate keeps: perfgate baseline export"


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The files written, below the repository, and why a scenario was left out, by its name."""

    written: tuple[Path, ...]
    left_out: Mapping[str, str]


def import_file(
    start: Path,
    environ: Mapping[str, str],
    *,
    suite: str,
    file: Path,
    hardware_key: str,
    only: Sequence[str] = (),
) -> Imported:
    """Make an entry of one launch from every scenario that a case of the suite is called like.

    A scenario that no launch can have given, and one whose case has an entry, is left out; named
    in ``only`` it is refused with BaselineError, as a file is that gives nothing. Then nothing is
    written.
    """
    git, judge, folder = _place(start, environ, suite)
    key, source = _checked(hardware_key), _Source.read(file, git)
    cases = {case.id: case for case in judge.cases}
    known = _known(only, cases)
    made, left_out = dict[str, Baseline](), dict[str, str]()
    with held(git):
        for name in known or [name for name in cases if name in source.baseline.scenarios]:
            path = str(folder / key / f"{name}.json")
            try:
                if read_kept(git, path) is not None:
                    raise BaselineError(f"{name} has an entry for {key} already", fix=_MEASURE)
                made[path] = source.entry(cases[name], hardware_key=key)
            except BaselineError as error:
                if only:
                    raise
                left_out[name] = error.problem
        if not made:
            told = "; ".join(left_out.values()) or "no scenario is called like a case of the suite"
            raise BaselineError(f"{file} gives no entry: {told}", fix=_MEASURE)
        for path, baseline in made.items():
            write_kept(git, path, render_baseline(baseline))
    return Imported(written=tuple(map(Path, made)), left_out=left_out)


def export_file(
    start: Path,
    environ: Mapping[str, str],
    *,
    suite: str,
    file: Path,
    hardware_key: str | None = None,
    only: Sequence[str] = (),
) -> tuple[str, ...]:
    """Write the scenarios of the launches kept for a hardware key into ``file``; gives their names.

    Every figure of such a scenario is replaced, all else keeps its bytes; a missing file is begun.
    The key may be left out where launches of one kind of machine alone are kept. Raises
    BaselineError for what cannot be trusted and for a figure that launches do not tell; the file
    stays as it was then.
    """
    git, _, folder = _place(start, environ, suite)
    key = _checked(hardware_key) if hardware_key is not None else _only_key(git.root / folder)
    kept = load_baselines(kept_below(git, folder / key, "*.json"), hardware_key=key)
    if not kept:
        raise BaselineError(f"no launches are kept in {folder / key}", fix=_MEASURE)
    names = _known(only, kept) or list(kept)
    figures = {name: figures_of(kept[name]) for name in names}
    with held(git):
        if file.exists():
            text = _read(file)
            for name, one in figures.items():
                text = updated_scenario(text, name, one, source=str(file))
        else:
            newest = max(kept[name].jobs[-1].date for name in names)
            about = {"hardware": key, "description": _ABOUT, "last_updated": newest[:10]}
            text = new_file(figures, metadata=about)
        write_whole(file, text)
    return tuple(names)


@dataclass(frozen=True, kw_only=True)
class _Source:
    """A file of sglang's, and why no launch can have given some of its scenarios."""

    baseline: SglangBaseline
    wrong: Mapping[str, str]
    origin: Origin

    @classmethod
    def read(cls, file: Path, git: Git) -> _Source:
        text = _read(file)
        baseline = parse_sglang_baseline(text, source=str(file))
        at = newest_commit(git)
        return cls(
            baseline=baseline,
            wrong=contradictions(text, source=str(file)),
            origin=Origin(file=file.name, commit=at.commit, date=at.date),
        )

    def entry(self, case: Case, *, hardware_key: str) -> Baseline:
        if case.id in self.wrong:
            raise BaselineError(
                f"{self.origin.file}: {case.id}: {self.wrong[case.id]}", fix=_MEASURE
            )
        workload = Workload(id=case.id, hash=case.workload_hash(), contents=case.workload())
        return imported(self.baseline, workload, hardware_key=hardware_key, origin=self.origin)


def _place(start: Path, environ: Mapping[str, str], suite: str) -> tuple[Git, Suite, PurePosixPath]:
    """The repository, its suite, and the folder of launches below it."""
    git = open_repository(start, environ)
    judge = read_suite(git, suite)
    return git, judge, folder_of(judge, named=suite)


def _read(path: Path) -> str:
    """The text with its own line ends."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", fix="Give a file that can be read, in UTF-8."
        ) from error


def _checked(hardware_key: str) -> str:
    """A key is part of a path."""
    if not is_key(hardware_key):
        raise ConfigurationError(
            f"{hardware_key!r} is no hardware key",
            fix="Give what `perfgate doctor` says of such a machine, nvidia-h100-80gb-hbm3-x1 say.",
        )
    return hardware_key


def _only_key(folder: Path) -> str:
    found = sorted({path.parent.name for path in folder.glob("*/*.json")})
    if len(found) != 1:
        told = f"launches of {', '.join(found)} are kept" if found else "no launches are kept"
        raise ConfigurationError(
            f"{told}, and which machine the file is for was not said",
            fix="Name one with --hardware-key.",
        )
    return found[0]


def _known(only: Sequence[str], names: Collection[str]) -> list[str]:
    unknown = [name for name in only if name not in names]
    if unknown:
        raise ConfigurationError(
            f"there is no case {', '.join(unknown)}", fix=f"Name one of: {', '.join(names)}."
        )
    return list(dict.fromkeys(only))
