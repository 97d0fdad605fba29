"""The resident servers of the one case that has the device: started, asked, restarted, ended.

Both servers of a case restart together, and in a pair both have served as many turns: what differs
between them is the code, not their age. Judges no time.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from perfgate.backends.backend import Backend, CannotServeError, SideContext
from perfgate.backends.launch import LaunchPlace, collect, report_of
from perfgate.backends.outputs import stamps
from perfgate.process import Child, exit_told
from perfgate.records import Launch, Side
from perfgate.suite import Case

ROOM = 1.1
"""Free memory that a second server needs, in terms of what the first one took at its peak."""


@dataclass(kw_only=True)
class Server:
    """One process; ``number`` is the order of the launch that started it.

    ``turns`` holds the pair of each turn, None for one that belongs to none.
    """

    child: Child
    number: int
    turns: list[int | None] = field(default_factory=list)
    peak_mb: float | None = None


@dataclass(kw_only=True)
class Residents:
    """At most one server a side, of one case; :meth:`end` has to be called at last.

    ``free_mb`` tells the free memory, in MiB, of that many held devices, None where nobody knows.
    """

    start: Callable[..., Child]
    scratch: Path
    free_mb: Callable[[int], float | None]
    case_id: str = ""
    _servers: dict[Side, Server] = field(default_factory=dict)
    _pairs: set[int] = field(default_factory=set)

    def launch(
        self, case: Case, *, backend: Backend, context: SideContext, place: LaunchPlace
    ) -> Launch:
        """One turn of the side's server, which is started first where there is none.

        A server that dies, hangs or leaves no valid report becomes a failed Launch, and both are
        ended. Raises ConfigurationError as :func:`perfgate.backends.launch.launch` does.
        """
        began = time.monotonic()
        try:
            self._restart_where_due(case, place.pair)
            before = stamps(case.outputs, context.path)
            report = report_of(place, self.scratch)
            failure = self._answer(case, backend, context, place, report)
            made = collect(backend, context, place, report=report, before=before, failure=failure)
            made = self._as_it_counts(made)
        except BaseException:
            self.end()
            raise
        return made.model_copy(update={"duration_s": time.monotonic() - began})

    def end(self) -> None:
        """End every server, also where ending one of them is interrupted."""
        with contextlib.ExitStack() as stack:
            for server in self._servers.values():
                stack.callback(server.child.end)
            self._servers, self._pairs, self.case_id = {}, set(), ""

    def _restart_where_due(self, case: Case, pair: int | None) -> None:
        full = pair not in self._pairs and len(self._pairs) >= case.pairs_a_server
        if case.id != self.case_id or full:
            self.end()
        self.case_id = case.id
        if pair is not None:
            self._pairs.add(pair)

    def _answer(
        self, case: Case, backend: Backend, context: SideContext, place: LaunchPlace, report: Path
    ) -> str | None:
        """Have the report written; returns why it was not."""
        server, limit_s = self._servers.get(place.side), place.timeout_s
        if server is not None:
            turns = self._behind(place) + 1
            limit_s = min(limit_s, turns * case.turn_timeout_s())
        elif why := self._no_room(case, place.side):
            return why
        else:
            try:
                invocation = backend.server(case, context)
            except CannotServeError as error:
                return str(error)
            child = self.start(invocation.command, cwd=context.path, env=invocation.env)
            server = self._servers[place.side] = Server(child=child, number=place.order)
        deadline = time.monotonic() + limit_s
        # What a server says to become as old as the other one is not even looked at.
        aside = report.with_suffix(".aside")
        wanted = [(aside, None)] * self._behind(place) + [(report, place.pair)]
        for path, pair in wanted:
            server.child.say(str(path))
            answer = server.child.wait_for(path, timeout_s=max(0.0, deadline - time.monotonic()))
            aside.unlink(missing_ok=True)
            if answer == "ended":
                return f"the server {exit_told(server.child.exit_code or 0)} before it answered"
            if answer == "late":
                return f"the server did not answer within {limit_s:.0f} s and was killed"
            server.turns.append(pair)
        return None

    def _behind(self, place: LaunchPlace) -> int:
        """How many turns the other side's server served more than this one, before this pair."""
        other = self._servers.get(_other(place.side))
        if other is None:
            return 0
        before = [turn for turn in other.turns if turn is None or turn != place.pair]
        return max(0, len(before) - len(self._servers[place.side].turns))

    def _no_room(self, case: Case, side: Side) -> str | None:
        """Why there can be no second server: less is free than what the first one took.

        Where either is not known it is started, and may run out of memory in its own words.
        """
        other = self._servers.get(_other(side))
        took_mb = None if other is None else other.peak_mb
        free_mb = None if took_mb is None else self.free_mb(case.devices)
        if took_mb is None or free_mb is None or free_mb >= ROOM * took_mb:
            return None
        return (
            f"a second server does not fit beside {_other(side).value}'s, which took {took_mb:.0f} "
            f"MiB: {free_mb:.0f} MiB are free; write `launch: fresh` for this case"
        )

    def _as_it_counts(self, made: Launch) -> Launch:
        """The launch with its server's number; without a load time but in the server's first turn.

        After a failed one every server is ended, and the launch has the end of its server's log.
        """
        server = self._servers.get(made.side)
        number = None if server is None else server.number
        if server is None or not made.ok:
            log_tail = "" if server is None else self._servers.pop(made.side).child.end()
            self.end()
            return made.model_copy(update={"server": number, "log_tail": log_tail})
        peaks = (server.peak_mb, *(report.peak_memory_mb for report in made.reports))
        server.peak_mb = max((peak for peak in peaks if peak is not None), default=None)
        reports = made.reports
        if len(server.turns) > 1:
            # It loaded once: the same time told again in every pair would count as evidence.
            reports = tuple(one.model_copy(update={"load_ms": None}) for one in reports)
        return made.model_copy(update={"server": number, "reports": reports})


def _other(side: Side) -> Side:
    return Side.HEAD if side is Side.BASE else Side.BASE
