"""Sends one request to a framework's server and waits for its result. Judges no times."""

from __future__ import annotations

import base64
import json
import mimetypes
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from pydantic import JsonValue

from perfgate.backends.driver.client import Answer, Client, NoAnswerError
from perfgate.backends.driver.framework import Framework
from perfgate.backends.driver.polling import pause_s
from perfgate.backends.driver.spec import IMAGE_PLACE, Sending
from perfgate.backends.failures import FrameworkError
from perfgate.records.results import FailureKind

_SETTLE_S = 0.3
_UNDER_WAY = frozenset({"queued", "in_progress", "processing", "running"})
_DONE = frozenset({"completed", "succeeded"})
_MOST_ID_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class Served:
    """One request that was served: how long its client waited, and the answer.

    ``document`` is the answer's JSON, empty where it is none; ``job`` the id of a polled job, which
    was asked for ``polls`` times.
    """

    client_ms: float
    document: Mapping[str, Any] = field(default_factory=dict)
    body: bytes = b""
    job: str | None = None
    polls: int = 0


class Exchange:
    """Sends the same request again and again; ``framework`` is None where it was started elsewhere.

    Raises FrameworkError for every request that is not answered as it has to be.
    """

    def __init__(self, client: Client, sending: Sending, framework: Framework | None) -> None:
        self._client = client
        self._sending = sending
        self._framework = framework
        self._image = None if sending.image is None else Path(sending.image.path).read_bytes()
        # Made once, so that encoding an image is no part of any request's time.
        self._fields = {name: self._with_image(value) for name, value in sending.fields.items()}

    def serve(self, *, dump: Path | None, bound_s: float, what: str) -> Served:
        """Send it once and wait until it is done; ``what`` names it in errors.

        ``dump`` is where the server is asked to leave its performance dump.
        """
        began_s = time.monotonic()
        until_s = began_s + bound_s
        try:
            answer = self._sent(dump, until_s)
            document = self._document(answer, what)
            job, polls = self._job(document, what), 0
            if job is not None and _status(document) not in _DONE:
                answer, document, polls = self._polled(job, document, began_s, until_s, what)
        except NoAnswerError as error:
            self._raise(error, what, bound_s)
        client_ms = (answer.ended_s - began_s) * 1000
        return Served(
            client_ms=client_ms,
            document=document,
            body=answer.body,
            job=job,
            polls=polls,
        )

    def content(self, job: str, *, bound_s: float) -> bytes:
        """What a job made. Raises NoAnswerError."""
        path = f"{self._sending.path}/{quote(job, safe='')}/content"
        answer = self._client.get(path, until_s=time.monotonic() + bound_s)
        if answer.status != 200:
            raise NoAnswerError("broken", f"GET {path} answered {answer.told()}")
        return answer.body

    def _sent(self, dump: Path | None, until_s: float) -> Answer:
        sending = self._sending
        fields = dict(self._fields)
        if dump is not None and sending.dump_field is not None:
            fields[sending.dump_field] = str(dump)
        if sending.encoding == "json":
            return self._client.post_json(sending.path, fields, until_s=until_s)
        texts = {name: _form_text(value) for name, value in fields.items()}
        files = {}
        if self._image is not None and sending.image is not None:
            files[sending.image.field] = (Path(sending.image.path).name, self._image)
        return self._client.post_form(sending.path, texts, files, until_s=until_s)

    def _with_image(self, value: JsonValue) -> JsonValue:
        """The value with the image where its place is; only values that are nothing else count."""
        if isinstance(value, dict):
            return {name: self._with_image(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._with_image(inner) for inner in value]
        if value != IMAGE_PLACE or self._image is None or self._sending.image is None:
            return value
        kind = mimetypes.guess_type(self._sending.image.path)[0] or "application/octet-stream"
        return f"data:{kind};base64,{base64.b64encode(self._image).decode('ascii')}"

    def _job(self, document: Mapping[str, Any], what: str) -> str | None:
        """The id of the job that the server has made of the request; None where it made none."""
        job, expects = document.get("id"), self._sending.expects
        if expects == "job" and not isinstance(job, str):
            self._refuse(f"{what}: {self._sending.path} answered without a job's id")
        has_status = _status(document) in _UNDER_WAY | _DONE
        if not isinstance(job, str) or expects == "picture":
            return None
        if len(job) > _MOST_ID_CHARS:
            self._refuse(f"{what}: the job's id is too long")
        return job if expects == "job" or has_status else None

    def _polled(
        self, job: str, document: Mapping[str, Any], began_s: float, until_s: float, what: str
    ) -> tuple[Answer, Mapping[str, Any], int]:
        path = f"{self._sending.path}/{quote(job, safe='')}"
        polls = 0
        while True:
            if _status(document) not in _UNDER_WAY:
                self._refuse(f"{what}: the job is {_told_of(document)}")
            self._wait(pause_s(time.monotonic() - began_s))
            answer = self._client.get(path, until_s=until_s)
            polls += 1
            document = self._document(answer, what)
            if _status(document) in _DONE:
                return answer, document, polls

    def _wait(self, seconds: float) -> None:
        if self._framework is None:
            time.sleep(seconds)
        else:
            self._framework.wait(seconds)

    def _document(self, answer: Answer, what: str) -> Mapping[str, Any]:
        """The answer's JSON, empty where it is none and none was needed."""
        if answer.status not in (200, 201, 202):
            self._refuse(f"{what}: {self._sending.path} answered {answer.told()}")
        if not answer.body:
            self._refuse(f"{what}: {self._sending.path} answered nothing")
        try:
            return answer.document()
        except (ValueError, RecursionError) as error:
            sending = self._sending
            if sending.expects != "anything" or sending.latency is not None or _looks_json(answer):
                self._refuse(f"{what}: {self._sending.path} answered what is no JSON: {error}")
            return {}

    def _refuse(self, told: str) -> NoReturn:
        """Raise what the log tells of, which may say why; else that the server refused."""
        if self._framework is not None:
            self._framework.wait(_SETTLE_S)
            if self._framework.exit_code is not None:
                self._framework.raise_end("while a request was under way")
        raise FrameworkError(FailureKind.REFUSED, told)

    def _raise(self, error: NoAnswerError, what: str, bound_s: float) -> NoReturn:
        framework = self._framework
        if error.why == "late":
            told = f"{what} took longer than {bound_s:g} s"
            if framework is not None:
                framework.check()
            raise FrameworkError(FailureKind.TIMEOUT, told) from error
        if framework is not None and framework.wait_for_end(2 * _SETTLE_S):
            framework.raise_end(f"during {what}")
        raise FrameworkError(FailureKind.REFUSED, f"{what}: {error}") from error


def _form_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _status(document: Mapping[str, Any]) -> str:
    return str(document.get("status"))


def _told_of(document: Mapping[str, Any]) -> str:
    error = document.get("error")
    said = error.get("message", error) if isinstance(error, Mapping) else error
    return f"{_status(document)}: {said}" if said else _status(document)


def _looks_json(answer: Answer) -> bool:
    return answer.body.lstrip()[:1] in (b"{", b"[")
