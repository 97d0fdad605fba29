"""Starts a framework's server, sends it the requests, ends it. Raises FrameworkError."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perfgate.backends.driver import answers, ports
from perfgate.backends.driver.client import Client, NoAnswerError
from perfgate.backends.driver.dumps import Dump, served_dump, wait_for_dump
from perfgate.backends.driver.exchange import Exchange, Served
from perfgate.backends.driver.framework import Framework, say
from perfgate.backends.driver.log_watch import LogWatch
from perfgate.backends.driver.phases import Phases
from perfgate.backends.driver.polling import pause_s
from perfgate.backends.driver.spec import Sending, Spec
from perfgate.backends.driver.surroundings import check_all_ended, told_of
from perfgate.backends.failures import FrameworkError, one_line
from perfgate.records.results import FailureKind

_HEALTH_S = 5.0
_CONTENT_S = 120.0


@dataclass(frozen=True, kw_only=True)
class _Running:
    """A server: one that was started here, or one that runs already and has no log."""

    watch: LogWatch
    framework: Framework | None = None
    began_s: float = field(default_factory=time.monotonic)


def serve(spec: Spec, sending: Sending, env: Mapping[str, str]) -> list[Dump]:
    """The measured requests' dumps, in order; when this returns nothing of the launch runs."""
    told = told_of(spec, env)
    watch = LogWatch(native=spec.native, compiled=spec.compiled)
    if not spec.command:
        return _measured(spec, sending, _Running(watch=watch), told)
    ports.check_free(spec.ports, when="before the server was started")
    began_s = time.monotonic()
    with Framework(spec.command, env=env, watch=watch, grace_s=spec.bounds.stop_s) as framework:
        running = _Running(watch=watch, framework=framework, began_s=began_s)
        dumps = _measured(spec, sending, running, told)
    check_all_ended(spec)
    return dumps


def _measured(spec: Spec, sending: Sending, running: _Running, told: Dump) -> list[Dump]:
    """Wait until the server is healthy, warm it up, send the measured requests."""
    scratch, bounds = Path(spec.scratch), spec.bounds
    with Client(spec.address) as client:
        told = {**told, **_wait_until_healthy(spec, client, running)}
        exchange = Exchange(client, sending, running.framework)
        warm_s = bounds.request_s + (bounds.compile_s if spec.compiled else 0.0)
        warm = exchange.serve(dump=scratch / "warm-up.json", bound_s=warm_s, what="the warm-up")
        told["warm_up_ms"] = warm.client_ms
        served = []
        for index in range(spec.requests):
            dump = scratch / f"request-{index}.json"
            what = f"request {index + 1} of {spec.requests}"
            one = exchange.serve(dump=dump, bound_s=bounds.request_s, what=what)
            served.append((one, wait_for_dump(dump) if sending.dump_field else None))
        # Nothing is decoded before the last request: a device left alone lowers its clock.
        outputs = [_output(exchange, sending, one) for one, _ in served]
        if running.framework is not None:
            running.framework.check()
    if running.watch.not_compiled is not None:
        told["not_compiled"] = running.watch.not_compiled
    return [
        served_dump(spec, index, one, dump, {**told, **output})
        for index, ((one, dump), output) in enumerate(zip(served, outputs, strict=True))
    ]


def _wait_until_healthy(spec: Spec, client: Client, running: _Running) -> Dump:
    """Wait until every health path answers 200; returns what that took, and of it what else."""
    framework, began_s = running.framework, time.monotonic()
    phases = Phases(spec.bounds, now_s=began_s)
    while unhealthy := _unhealthy(spec, client):
        try:
            phases.charge(running.watch.phase, now_s=time.monotonic())
        except FrameworkError as error:
            raise FrameworkError(error.kind, f"{error.text}; last: {unhealthy}") from None
        pause = pause_s(time.monotonic() - began_s)
        if framework is None:
            time.sleep(pause)
            continue
        framework.wait(pause)
        if framework.exit_code is not None:
            framework.raise_end("before it was healthy")
    if framework is None:
        return {}
    # Who listens there may be somebody else, while the one that was started gave up.
    if framework.wait_for_end(0):
        framework.raise_end("though its address is healthy")
    told = {"load_ms": (time.monotonic() - running.began_s) * 1000}
    spent_ms = {name: seconds * 1000 for name, seconds in phases.spent_s.items() if seconds}
    return told | {f"{name}_ms": ms for name, ms in spent_ms.items() if name != "load"}


def _unhealthy(spec: Spec, client: Client) -> str:
    """What the first path that is not healthy answers, empty where all are."""
    try:
        for path in spec.health:
            answer = client.get(path, until_s=time.monotonic() + _HEALTH_S)
            if answer.status != 200:
                return f"{path} answered {answer.told()}"
    except NoAnswerError as error:
        return str(error)
    return ""


def _output(exchange: Exchange, sending: Sending, served: Served) -> Dump:
    """The fingerprint of what a request made; where there is more than a hash of it, that.

    Raises FrameworkError for an answer that has to hold a picture and holds none.
    """
    try:
        if served.job is not None:
            content: bytes | None = exchange.content(served.job, bound_s=_CONTENT_S)
        else:
            # An answer that is no JSON is the output itself.
            content = answers.picture(served.document) if served.document else served.body
    except NoAnswerError as error:
        say(f"perfgate: the output was not looked at: {one_line(str(error))}")
        return {"no_output": one_line(str(error))}
    except ValueError as error:
        raise FrameworkError(FailureKind.DAMAGED, str(error)) from error
    if content is None:
        if sending.expects == "picture":
            raise FrameworkError(FailureKind.DAMAGED, "the answer holds no picture")
        return {}
    try:
        return {"output": answers.fingerprint(content)}
    except ValueError as error:
        return {"output": answers.hashed(content), "undecoded_output": one_line(str(error))}
