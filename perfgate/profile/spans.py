"""Notes both ends of each span of a request. Imports the standard library alone, computes nothing.

This is what runs inside the measured program, so it does the least: whatever can be worked out when
the figures are read is worked out in :mod:`.recorder`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Literal, TypeAlias, cast

Kind: TypeAlias = Literal["request", "stage", "step"]


class Trace:
    """The spans of one request: those that are open, those that ended, those that failed.

    ``mark`` is called at both ends of a span; what it returns is a time or stands for one.
    """

    __slots__ = ("ended", "incomplete", "innermost", "mark")

    def __init__(self, mark: Callable[[], Any]) -> None:
        self.mark = mark
        self.innermost: Span | None = None
        self.ended: list[Span] = []
        self.incomplete: list[str] = []

    def abandon(self, span: Span) -> None:
        """Mark ``span``, and whatever is still open inside it, as left by an exception."""
        inner = self.innermost
        while inner is not None and inner is not span:
            self.incomplete.append(inner.name)
            inner = inner.around
        self.incomplete.append(span.name)
        self.innermost = span.around


class Span:
    """One run of a stage: a slotted class, because a generator costs about twice as much."""

    __slots__ = ("around", "began", "ended", "kind", "name", "trace")

    around: Span | None
    began: Any
    ended: Any

    def __init__(self, trace: Trace, name: str, kind: Kind) -> None:
        self.trace = trace
        self.name = name
        self.kind = kind

    @property
    def is_outermost(self) -> bool:
        return self.around is None or self.around.kind == "request"

    @property
    def is_within_a_step(self) -> bool:
        outer = self.around
        while outer is not None and outer.kind != "step":
            outer = outer.around
        return outer is not None

    def __enter__(self) -> None:
        trace = self.trace
        self.began = trace.mark()
        self.around = trace.innermost
        trace.innermost = self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        trace = self.trace
        if kind is not None:
            trace.abandon(self)
            return
        try:
            self.ended = trace.mark()
        except BaseException:  # what a kernel did wrong may surface here
            trace.abandon(self)
            raise
        if trace.innermost is not self:
            raise RuntimeError(f"stage {self.name!r} ended while another one inside it was open")
        trace.innermost = self.around
        trace.ended.append(self)


class WatchedSpan(Span):
    """A span after which something is done, outside its own time; ``after`` hears how it ended."""

    __slots__ = ("after",)

    def __init__(
        self, trace: Trace, name: str, kind: Kind, after: Callable[[Span, bool], None]
    ) -> None:
        super().__init__(trace, name, kind)
        self.after = after

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, traceback)
        self.after(self, kind is not None)


class NullSpan:
    """A span that does nothing, at the least cost that Python allows.

    Both methods are bound methods of builtins. Such an object is no descriptor, so that ``with``
    finds it on the class and calls it straight in C, without a Python frame: 65 ns a stage, where
    two empty Python methods took 110 and a shared ``nullcontext`` 118 (CPython 3.11 on one machine;
    ``make bench-profile`` measures it anew). ``[].clear`` takes no argument and returns None;
    ``"".format`` takes whatever it is given and returns an empty string, which is false and so lets
    an exception go on its way.
    """

    __slots__ = ()
    __enter__ = [].clear
    __exit__ = cast("Callable[..., None]", "".format)


NULL_SPAN: Final = NullSpan()
