"""Adds files of results, records and sglang's nightly comparisons to a history.

A file that cannot be used is a value here, and the rest goes on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from perfgate.app.history.attempts import Attempts
from perfgate.backends.failures import kind_of
from perfgate.errors import ConfigurationError
from perfgate.history.action_benchmark import is_stored, json_of, read_stored
from perfgate.history.append import Appended, append
from perfgate.history.names import result_name
from perfgate.history.nightly import (
    Configuration,
    Context,
    NightlyFile,
    is_nightly,
    read_configuration,
    read_nightly,
)
from perfgate.history.recorded import Converted, results_of
from perfgate.history.store import MAX_FILE_BYTES, Store
from perfgate.history.tables import CLOCKS_DIFFER
from perfgate.records.results import Results
from perfgate.records.text import parse_record, parse_results
from perfgate.report.words import count

_HALF_A_CHARACTER = re.compile(r"\\ud[89a-f]", re.IGNORECASE)
"""A surrogate, escaped: without its other half it can stand in no file."""
_DAY_IN_NAME = re.compile(r"(20\d\d)-?([01]\d)-?([0-3]\d)")
_DAY_GIVEN = re.compile(r"(\d{4}-\d{2}-\d{2})=(.+)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class AddRequest:
    """What to add, as named at ``start``.

    ``hardware_key`` is for files that name no machine, ``configurations`` for sglang's alone. A
    configuration is a path with a day in its name, or ``DATE=PATH``. ``repository_url`` is where
    the runs are, empty where nobody knows.
    """

    start: Path
    files: tuple[Path, ...]
    hardware_key: str | None = None
    configurations: tuple[str, ...] = ()
    repository_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Added:
    """What is in the store now; problems name a file or a part of one that is not."""

    store: str
    appended: Appended
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def add_files(request: AddRequest, store: Store, *, now: datetime, perfgate: str) -> Added:
    """Add every file that can be used, all in one go.

    Raises ConfigurationError where the store or a configuration cannot be read, or files that name
    no machine come without a hardware key, and PublishError where the store takes nothing.
    """
    reading = _Reading(request=request, now=now, perfgate=perfgate)
    reading.read()
    context = reading.context()
    nights = [one for _, one in reading.files]
    results = [
        *reading.results,
        *reading.nightly(context, Attempts.of(store, nights)),
        *reading.stored(context),
    ]
    appended = append(store, results)
    return Added(
        store=store.told,
        appended=appended,
        problems=tuple(reading.problems),
        notes=tuple(reading.notes()),
    )


@dataclass(kw_only=True)
class _Reading:
    """Reads the files one by one and keeps what was wrong with each."""

    request: AddRequest
    now: datetime
    perfgate: str
    results: list[Results] = field(default_factory=list)
    files: list[tuple[Path, NightlyFile]] = field(default_factory=list)
    stores: list[tuple[Path, dict[str, Any]]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    guessed: list[str] = field(default_factory=list)

    def read(self) -> None:
        for file in self.request.files:
            try:
                self._take(file)
            except ConfigurationError as error:
                self.problems.append(f"{file}: {error.problem}")

    def nightly(self, context: Context, attempts: Attempts) -> Iterator[Results]:
        """The results of sglang's files in order of time, so that attempts count as they ran."""
        for file, one in sorted(self.files, key=lambda pair: pair[1].measured_at):
            try:
                converted = one.converted(context, attempt=attempts.number(one))
                result_name(converted.results, b"")
            except ConfigurationError as error:
                self.problems.append(f"{file}: {error.problem}")
                continue
            self._note(file, converted)
            yield converted.results

    def stored(self, context: Context) -> Iterator[Results]:
        """The runs that github-action-benchmark stored."""
        for file, document in self.stores:
            try:
                stored = read_stored(
                    document, hardware_key=context.hardware_key, perfgate=self.perfgate
                )
                for one in stored.results:
                    self._in_time(one.measured_at)
            except ConfigurationError as error:
                self.problems.append(f"{file}: {error.problem}")
                continue
            self.problems += [f"{file}: left out {what}" for what in stored.left_out]
            yield from stored.results

    def notes(self) -> Iterator[str]:
        if self.guessed:
            cases = sorted(set(self.guessed))
            more = f" and {len(cases) - 5} more" if len(cases) > 5 else ""
            yield (
                f"the configuration of {count(len(self.guessed), 'result')} is not known "
                f"({', '.join(cases[:5])}{more}): their lines tell models and tasks apart and "
                "nothing else; give --config FILE for their days"
            )

    def _take(self, file: Path) -> None:
        text = _text(self.request.start / file)
        document = _json(json_of(text))
        schema = document.get("schema") if isinstance(document, dict) else None
        if schema == "perfgate.results":
            results = parse_results(text, source="it")
            if not results.cells:
                raise ConfigurationError("it holds no cell", fix="Give what a job measured.")
            self._take_one(results)
        elif schema == "perfgate.record":
            record = parse_record(text, source="it")
            url = self.request.repository_url
            converted = results_of(record, kind_of=kind_of, repository_url=url)
            self._take_one(converted.results)
            self._note(file, converted)
        elif is_nightly(document):
            nightly = read_nightly(document)
            self._in_time(nightly.measured_at)
            self.files.append((file, nightly))
        elif is_stored(document):
            self.stores.append((file, document))
        else:
            raise ConfigurationError(
                "it is neither results nor a record of perfgate's, nor a nightly comparison of "
                "sglang's, nor what github-action-benchmark stored",
                fix="Give one of these.",
            )

    def context(self) -> Context:
        """What files do not tell; ConfigurationError where some name no machine and no key is."""
        key = self.request.hardware_key
        of_whom = [(file, "sglang's nightly comparison") for file, _ in self.files]
        of_whom += [(file, "github-action-benchmark") for file, _ in self.stores]
        if of_whom and key is None:
            file, whose = of_whom[0]
            raise ConfigurationError(
                f"{file} is of {whose}, which names no machine",
                fix="Name it with --hardware, for example nvidia-h100-80gb-hbm3-x4.",
            )
        return Context(
            hardware_key=key or "",
            configurations=tuple(self._configurations()),
            repository_url=self.request.repository_url,
            perfgate=self.perfgate,
        )

    def _configurations(self) -> Iterator[Configuration]:
        for given in self.request.configurations:
            match = _DAY_GIVEN.fullmatch(given)
            path, day = (match[2], match[1]) if match else (given, _day_in(Path(given).name))
            try:
                since = date.fromisoformat(day)
            except ValueError as error:
                raise ConfigurationError(
                    f"{given} does not say from which day on it held",
                    fix="Write DATE=FILE, for example 2026-03-25=comparison_configs.json.",
                ) from error
            try:
                document = _json(_text(self.request.start / path))
            except ConfigurationError as error:
                raise ConfigurationError(f"{given}: {error.problem}", fix=error.fix) from error
            yield read_configuration(document, since=since, source=path)

    def _in_time(self, measured_at: datetime) -> None:
        if measured_at > self.now + CLOCKS_DIFFER:
            raise ConfigurationError(
                f"it is from the future: {measured_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
                fix="Set the clock of the machine that measured.",
            )

    def _take_one(self, results: Results) -> None:
        self._in_time(results.measured_at)
        result_name(results, b"")
        self.results.append(results)

    def _note(self, file: Path, converted: Converted) -> None:
        self.problems += [f"{file}: left out {what}" for what in converted.left_out]
        self.guessed += converted.notes


def _day_in(name: str) -> str:
    match = _DAY_IN_NAME.search(name)
    return "-".join(match.groups()) if match else ""


def _text(path: Path) -> str:
    """Raises ConfigurationError for what is no file of text, or a giant one."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{path.name} cannot be read: {error.strerror}", fix="Give a file that is there."
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise ConfigurationError(
            f"it is larger than {MAX_FILE_BYTES >> 20} MiB", fix="Give one job's results."
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError("it is no text in UTF-8", fix="Give a JSON file.") from error


def _json(text: str) -> Any:  # noqa: ANN401 - whatever stands there
    try:
        document = json.loads(text)
        if _HALF_A_CHARACTER.search(text):
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError("it holds half a character", fix="Write it again.") from error
    except (ValueError, RecursionError) as error:
        told = "it nests too deeply" if isinstance(error, RecursionError) else str(error)
        raise ConfigurationError(
            f"it is no JSON, or only a part of it: {told}", fix="Write it again."
        ) from error
    return document
