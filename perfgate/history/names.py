"""What files of a history are called: by time, run and content. Touches no file.

A result file is ``results/2026/05/2026-05-17T013500Z_25977513684_1_0123456789ab.json``, a finished
month ``results/2026/05/2026-05_0123456789ab.parquet``. The last part begins the SHA-256 of the
content: a file that was cut short or changed is no longer what its name says.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from perfgate.errors import ConfigurationError
from perfgate.records.results import Results

FOLDER = "results"
DIGEST_CHARS = 12
_MAX_RUN_CHARS = 64
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.-]+")
_RESULT = re.compile(
    r"results/\d{4}/\d{2}/(?P<stamp>\d{4}-\d{2}-\d{2}T\d{6}Z)_(?P<run>[A-Za-z0-9.-]{1,64})_"
    r"(?P<attempt>[1-9]\d{0,8})_(?P<digest>[0-9a-f]{12,64})\.json"
)
_MONTH = re.compile(
    r"results/\d{4}/\d{2}/(?P<month>\d{4}-\d{2})_(?P<digest>[0-9a-f]{12,64})\.parquet"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultFile:
    """What the name of a result file tells; ``name`` is the whole of it."""

    name: str
    stamp: datetime
    run: str
    attempt: int
    digest: str

    @property
    def month(self) -> str:
        return f"{self.stamp:%Y-%m}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthFile:
    """What the name of a finished month tells."""

    name: str
    month: str
    digest: str


def digest_of(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def result_name(results: Results, content: bytes, *, digest_chars: int = DIGEST_CHARS) -> str:
    """The name of a result file that holds ``content``.

    Raises ConfigurationError where time or attempt cannot stand in a name.
    """
    stamp = results.measured_at.astimezone(UTC)
    digest = digest_of(content)[:digest_chars]
    run, attempt = run_part(results.run.id), results.run.attempt
    name = f"{stamp:%Y-%m-%dT%H%M%SZ}_{run}_{attempt}_{digest}.json"
    name = f"{FOLDER}/{stamp:%Y/%m}/{name}"
    if parse_name(name) is None:
        raise ConfigurationError(
            f"no file can be named after {stamp.isoformat()} and attempt {attempt}",
            fix="Give the time and the attempt of the job that measured.",
        )
    return name


def month_of(results: Results) -> str:
    """The month that results are kept in, as 2026-05."""
    return f"{results.measured_at.astimezone(UTC):%Y-%m}"


def run_part(run_id: str) -> str:
    """A run's id as it stands in a name: ``local`` where there is none."""
    return _NOT_IN_A_NAME.sub("-", run_id)[:_MAX_RUN_CHARS] or "local"


def month_name(month: str, content: bytes) -> str:
    """The name of a finished month, written 2026-05, that holds ``content``."""
    folder = month.replace("-", "/")
    return f"{FOLDER}/{folder}/{month}_{digest_of(content)[:DIGEST_CHARS]}.parquet"


def parse_name(name: str) -> ResultFile | MonthFile | None:
    """What a name tells; None for a file that is not of a history."""
    if match := _RESULT.fullmatch(name):
        try:
            stamp = datetime.strptime(match["stamp"], "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            return None
        attempt = int(match["attempt"])
        digest = match["digest"]
        return ResultFile(name=name, stamp=stamp, run=match["run"], attempt=attempt, digest=digest)
    if match := _MONTH.fullmatch(name):
        return MonthFile(name=name, month=match["month"], digest=match["digest"])
    return None
