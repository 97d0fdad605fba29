"""The fake GitHub's wire: takes requests, and answers them well or as badly as a test ordered."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.github_wire import Answer, Exchange

_LONGEST_HANG_S = 30.0
_NOTHING_DONE = ("hang", "drop", "reset", "answer")
_NOTHING_SAID = ("hang", "drop", "reset", "lose", "late")


@dataclass(kw_only=True)
class Fault:
    """Goes wrong ``times`` times for requests of ``method`` whose path matches ``path``.

    ``how``: ``answer`` gives ``answer`` instead of doing the work, ``commit`` after doing it;
    ``lose`` does the work and then closes the connection, ``drop`` only closes it and ``reset``
    resets it; ``truncate`` cuts the true answer in half; ``late`` does the work and would answer
    when nobody listens any more; ``hang`` says nothing until the server stops; ``work`` is the
    usual answer. ``first`` is done before any of it: what somebody else did in the meantime.
    ``since`` leaves out the requests before that one, counted from 1 since the last ``recount``.
    """

    method: str
    path: str
    how: str = "answer"
    answer: Answer = field(default_factory=Answer)
    times: int = 1
    first: Callable[[], object] | None = None
    since: int = 0

    def hits(self, method: str, path: str, number: int) -> bool:
        return (
            self.times > 0
            and number >= self.since
            and re.fullmatch(self.method, method) is not None
            and re.search(self.path, path) is not None
        )


class Handler(BaseHTTPRequestHandler):
    """One connection; its ``server`` has the ``github`` that does the work."""

    protocol_version = "HTTP/1.1"
    # Else the body waits for the header's acknowledgement, 40 ms each time.
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        github: Any = self.server.github
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault = github.take_fault(self.command, urlsplit(self.path).path)
        how = fault.how if fault else "work"
        answer = Answer(status=0)
        if how not in _NOTHING_DONE:
            answer = github.work(self.command, self.path, headers, body)
        if fault and how in ("answer", "commit"):
            answer = fault.answer
        if how in _NOTHING_SAID:
            answer = Answer(status=0)
        encoded = answer.encoded()
        if how == "truncate":
            encoded = encoded[: len(encoded) // 2]
        github.exchanges.append(
            Exchange(
                method=self.command,
                url=self.path,
                request_headers=headers,
                request_body=body,
                status=answer.status,
                response_headers=dict(answer.headers),
                response_body=encoded,
                ordered=how != "work",
            )
        )
        if how in _NOTHING_SAID:
            self._say_nothing(how, github)
        else:
            self._send(answer, encoded)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815 - http.server's names

    def _send(self, answer: Answer, encoded: bytes) -> None:
        self.send_response(answer.status)
        if encoded and "Content-Type" not in answer.headers:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(encoded)))
        with contextlib.suppress(BrokenPipeError):  # whoever asked waits no longer
            self.end_headers()
            self.wfile.write(encoded)

    def _say_nothing(self, how: str, github: Any) -> None:
        self.close_connection = True
        if how == "hang":
            github.stopping.wait(_LONGEST_HANG_S)
        if how == "late":
            self.connection.settimeout(_LONGEST_HANG_S)
            with contextlib.suppress(OSError):
                self.connection.recv(1)  # ends when the other side gives up
        if how == "reset":
            # No time to linger: the peer is told that what was on its way is thrown away.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            os.close(self.connection.detach())

    def log_message(self, *args: object) -> None:
        """Say nothing: the exchanges are kept."""
