"""What goes over the wire between perfgate and the fake GitHub."""

from __future__ import annotations

import json
import os
import pickle
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.fakes import github_documents as documents

FOLDER = "PERFGATE_EXCHANGES"


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and what it was answered; ``status`` is 0 where the connection was dropped.

    ``ordered`` marks an answer that a test ordered: GitHub's own rules say nothing of it.
    """

    method: str
    url: str
    request_headers: dict[str, str]
    request_body: bytes
    status: int
    response_headers: dict[str, str]
    response_body: bytes
    ordered: bool = False

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


def remember(exchanges: Iterable[Exchange]) -> None:
    """Write them to the folder in PERFGATE_EXCHANGES, if there is one, for who holds them against
    GitHub's description of its API."""
    folder = os.environ.get(FOLDER)
    if folder and (held := list(exchanges)):
        file = Path(folder) / f"{uuid.uuid4()}.pickle"
        file.write_bytes(pickle.dumps(held))


def remembered(folder: Path) -> Iterator[Exchange]:
    """What the tests of another process wrote there."""
    for file in sorted(folder.glob("*.pickle")):
        yield from pickle.loads(file.read_bytes())


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back over the wire, whole or damaged."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked: ``root`` is the server's address, ``groups`` the address's own parts."""

    root: str
    login: str
    groups: tuple[str, ...]
    query: dict[str, str]
    body: bytes

    @property
    def number(self) -> int:
        return int(self.groups[0])

    def json(self) -> Any:
        return json.loads(self.body)


def not_found() -> Answer:
    return Answer(status=404, body=documents.problem("Not Found"))


def invalid(message: str) -> Answer:
    """A refusal of what was asked for, in words alone, as the Git data API gives it."""
    return Answer(status=422, body=documents.problem(message))
