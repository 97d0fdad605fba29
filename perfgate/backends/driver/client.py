"""Talks HTTP to a framework's server, bounded in time and size; the clock is in its answers.

Knows nothing of images or videos. Raises :class:`NoAnswerError` for everything but an answer.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

import requests

MOST_BYTES = 512 * 2**20
_CONNECT_S = 5.0
_CHUNK = 1 << 16
_TOLD_CHARS = 300

Why: TypeAlias = Literal["late", "broken", "unreachable", "too large"]


class NoAnswerError(Exception):
    """There is no whole answer, and why."""

    def __init__(self, why: Why, told: str) -> None:
        super().__init__(told)
        self.why = why


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer; ``ended_s`` is when its last byte was there, on the monotonic clock."""

    status: int
    body: bytes
    ended_s: float

    def document(self) -> dict[str, Any]:
        """The JSON object that it holds. Raises ValueError."""
        found = json.loads(self.body)
        if not isinstance(found, dict):
            raise ValueError("it is no JSON object")
        return found

    def told(self) -> str:
        """Its status and how its text begins."""
        text = self.body[:_TOLD_CHARS].decode("utf-8", errors="replace")
        return f"{self.status}: {text}" if text.strip() else str(self.status)


class Client:
    """A session with one server, which this machine's proxies and passwords are not for."""

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        # Packing an answer is no part of serving it.
        self._session.headers["Accept-Encoding"] = "identity"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get(self, path: str, *, until_s: float) -> Answer:
        """The answer to a GET, whole before ``until_s`` of the monotonic clock."""
        return self._answer("GET", path, until_s=until_s)

    def post_json(self, path: str, body: Mapping[str, Any], *, until_s: float) -> Answer:
        """The same of a POST of JSON."""
        return self._answer("POST", path, until_s=until_s, json=body)

    def post_form(
        self,
        path: str,
        fields: Mapping[str, str],
        files: Mapping[str, tuple[str, bytes]],
        *,
        until_s: float,
    ) -> Answer:
        """The same of a multipart form, also where there is no file in it."""
        parts = [(name, (None, value)) for name, value in fields.items()]
        uploads = [(name, file) for name, file in files.items()]
        return self._answer("POST", path, until_s=until_s, files=[*parts, *uploads])

    def _answer(self, method: str, path: str, *, until_s: float, **content: Any) -> Answer:  # noqa: ANN401 - requests' own
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise NoAnswerError("late", f"{method} {path} was not answered in time")
        try:
            with self._session.request(
                method,
                f"{self._address}{path}",
                timeout=(min(_CONNECT_S, left_s), left_s),
                stream=True,
                allow_redirects=False,
                **content,
            ) as response:
                body = _whole(response, until_s=until_s)
                return Answer(status=response.status_code, body=body, ended_s=time.monotonic())
        except requests.exceptions.ConnectTimeout as error:
            raise NoAnswerError("unreachable", f"{method} {path}: no connection") from error
        except requests.exceptions.Timeout as error:
            raise NoAnswerError("late", f"{method} {path} was not answered in time") from error
        except requests.exceptions.ChunkedEncodingError as error:
            raise NoAnswerError("broken", f"{method} {path}: the answer broke off") from error
        except requests.exceptions.RequestException as error:
            raise NoAnswerError(
                "unreachable", f"{method} {path}: {type(error).__name__}"
            ) from error


def _whole(response: requests.Response, *, until_s: float) -> bytes:
    parts, size = [], 0
    try:
        for chunk in response.iter_content(_CHUNK):
            size += len(chunk)
            if size > MOST_BYTES:
                raise NoAnswerError("too large", f"the answer is larger than {MOST_BYTES} bytes")
            if time.monotonic() > until_s:
                raise NoAnswerError("late", "the answer was not whole in time")
            parts.append(chunk)
    except requests.exceptions.ConnectionError as error:
        # Where the read itself runs out of time requests calls it a lost connection.
        late = time.monotonic() >= until_s
        told = "was not whole in time" if late else "broke off"
        raise NoAnswerError("late" if late else "broken", f"the answer {told}") from error
    return b"".join(parts)
