"""Profiles one request of a benchmark from outside and leaves its trace. Knows no pipeline.

    python -P tracing.py MODULE [ARGUMENT…]

runs a module as ``python -m`` does, with ``$PERFGATE_TRACE`` naming the file to write. It is
started by its path, so that the module and the ``perfgate.profile.recorder`` that it records with
are those of the tree on PYTHONPATH: of each side its own, however old. A benchmark of one's own
calls :func:`trace_requests` where that variable is set.

The trace is torch's, in the format that Perfetto and chrome://tracing open. Ranges in it name what
the profiler cannot know: the request, its stages and steps, and each call of a module.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

TRACE_VARIABLE: Final = "PERFGATE_TRACE"
"""Names the file in which a process that it is set for leaves a trace of one measured request."""
PREFIX: Final = "perfgate:"
_STEP_NAME: Final = "denoising_step_"


class CannotTraceError(RuntimeError):
    """The recorder of this tree has nothing to hold on to; the text says what it lacks."""


def trace_requests(recorder: type[Any], path: Path, *, measured: int) -> None:
    """Have one request of this process profiled and its trace written to ``path``.

    ``recorder`` is the tree's ``StageRecorder``: its spans become ranges of the trace. ``measured``
    counts the requests before the one that is meant, warm-ups included. Raises CannotTraceError.
    """
    missing = [name for name in ("request", "stage") if not hasattr(recorder, name)]
    if missing:
        raise CannotTraceError(f"{recorder.__name__} has no {' and no '.join(missing)}")
    plain_request, plain_stage = recorder.request, recorder.stage
    tracing = _Tracing(path)
    served = iter(range(measured + 1))

    def request(self: Any) -> Any:  # noqa: ANN401 - whatever span this tree's recorder gives
        span = plain_request(self)
        return tracing.of(span) if next(served, -1) == measured else span

    def stage(self: Any, name: str, *, record_as_step: bool = False) -> Any:  # noqa: ANN401
        span = plain_stage(self, name, record_as_step=record_as_step)
        if not tracing.running:
            return span
        is_step = record_as_step or name.startswith(_STEP_NAME)
        return _Ranged(span, f"{PREFIX}{'step' if is_step else 'stage'}:{name}")

    for name, method in {"request": request, "stage": stage}.items():
        setattr(recorder, name, method)


class _Tracing:
    """The profiler around one request."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.running = False

    @contextmanager
    def of(self, span: Any) -> Iterator[None]:  # noqa: ANN401 - the recorder's own
        from torch.profiler import profile, record_function, supported_activities  # noqa: PLC0415

        activities = supported_activities()  # type: ignore[no-untyped-call]
        with (
            profile(activities=activities, record_shapes=True, profile_memory=True) as profiler,
            _modules_named(),
        ):
            self.running = True
            try:
                with record_function(f"{PREFIX}request"), span:
                    yield
            finally:
                self.running = False
        profiler.export_chrome_trace(str(self._path))


class _Ranged:
    """A span of the recorder with a range of the profiler around it; all else is the span's."""

    def __init__(self, span: Any, name: str) -> None:  # noqa: ANN401
        from torch.profiler import record_function  # noqa: PLC0415

        self._span = span
        self._range = record_function(name)

    def __enter__(self) -> Any:  # noqa: ANN401
        self._range.__enter__()  # type: ignore[no-untyped-call]
        return self._span.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any:  # noqa: ANN401
        try:
            return self._span.__exit__(kind, error, traceback)
        finally:
            self._range.__exit__(kind, error, traceback)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._span, name)


@contextmanager
def _modules_named() -> Iterator[None]:
    """A range around each call of a module, with the name of its class.

    None where anything was compiled: a hook would have it compiled once more.
    """
    if _anything_compiled():
        yield
        return
    from torch.nn.modules import module as modules  # noqa: PLC0415
    from torch.profiler import record_function  # noqa: PLC0415

    local = threading.local()

    def enter(module: Any, arguments: Any) -> None:  # noqa: ANN401, ARG001 - torch's signature
        named = record_function(f"{PREFIX}module:{type(module).__name__}")
        named.__enter__()  # type: ignore[no-untyped-call]
        local.__dict__.setdefault("ranges", []).append(named)

    def leave(module: Any, arguments: Any, output: Any) -> None:  # noqa: ANN401, ARG001
        local.ranges.pop().__exit__(None, None, None)

    hooks = (
        modules.register_module_forward_pre_hook(enter),
        modules.register_module_forward_hook(leave, always_call=True),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _anything_compiled() -> bool:
    """Whether torch has made a graph in this process; asks nothing that was not loaded."""
    loaded = sys.modules.get("torch._dynamo.utils")
    return loaded is not None and bool(loaded.counters["stats"]["unique_graphs"])


def main(arguments: list[str], run_module: Callable[..., object] = runpy.run_module) -> None:
    """Run the module of this tree's perfgate, its first measured request profiled."""
    module, *rest = arguments
    try:
        from perfgate.profile.recorder import StageRecorder  # noqa: PLC0415 - the tree's

        trace_requests(StageRecorder, Path(os.environ[TRACE_VARIABLE]), measured=1)
    except (ImportError, CannotTraceError) as error:
        sys.exit(f"this tree's perfgate is too old to be profiled: {error}")
    sys.argv = [module, *rest]
    run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
