"""Runs the framework's own command once for each request: each process loads anew."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from perfgate.backends.driver.dumps import Dump, one_shot_dump, read_whole
from perfgate.backends.driver.framework import Framework
from perfgate.backends.driver.log_watch import LogWatch
from perfgate.backends.driver.phases import Phases
from perfgate.backends.driver.spec import Spec
from perfgate.backends.driver.surroundings import check_all_ended, told_of
from perfgate.backends.failures import FrameworkError
from perfgate.records.results import FailureKind

_LOOK_S = 0.1


def run_each(spec: Spec, env: Mapping[str, str]) -> list[Dump]:
    """The measured requests' dumps, in order. Raises FrameworkError."""
    told = told_of(spec, env)
    return [_one(spec, env, told, index) for index in range(spec.requests)]


def _one(spec: Spec, env: Mapping[str, str], told: Dump, index: int) -> Dump:
    path = Path(spec.scratch) / f"request-{index}.json"
    watch = LogWatch(native=spec.native, compiled=spec.compiled)
    command = (*spec.command, spec.dump_option or "", str(path))
    began_s = time.monotonic()
    with Framework(command, env=env, watch=watch, grace_s=spec.bounds.stop_s) as framework:
        _wait_for_end(spec, framework, watch)
        process_ms = (time.monotonic() - began_s) * 1000
    check_all_ended(spec)
    own = {**told, "process_ms": process_ms}
    if watch.not_compiled is not None:
        own["not_compiled"] = watch.not_compiled
    return one_shot_dump(spec, index, read_whole(path), own)


def _wait_for_end(spec: Spec, framework: Framework, watch: LogWatch) -> None:
    """Loading, the warm-up and the request share a bound: a log does not tell them apart."""
    bounds = spec.bounds
    shared_s = bounds.load_s + 2 * bounds.request_s
    phases = Phases(bounds.model_copy(update={"load_s": shared_s}), now_s=time.monotonic())
    while not framework.wait_for_end(_LOOK_S):
        try:
            phases.charge(watch.phase, now_s=time.monotonic())
        except FrameworkError as error:
            if error.kind is not FailureKind.UNHEALTHY:
                raise
            told = f"loading and the request took longer than {shared_s:g} s"
            raise FrameworkError(FailureKind.TIMEOUT, told) from None
    if framework.exit_code != 0:
        framework.raise_end("before it was done")
