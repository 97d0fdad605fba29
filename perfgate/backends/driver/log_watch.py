"""What the lines of a framework's log say: a failure, or what it is busy with. Pure.

The lines are a stranger's: nothing is made of them but words of perfgate and a bounded quotation.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from perfgate.backends.failures import FrameworkError, one_line
from perfgate.records.results import FailureKind

LINE_CHARS = 2_000
_QUOTED_CHARS = 400

Phase: TypeAlias = Literal["load", "download", "compile"]

_FALLBACK = re.compile(
    r"falling back to diffusers backend|using diffusers backend|loaded diffusers pipeline",
    re.IGNORECASE,
)
_OUT_OF_MEMORY = re.compile(
    r"\bOutOfMemoryError\b|\b(?:CUDA|HIP|NPU|XPU|MUSA) out of memory"
    r"|\bEL0004\b|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED|cudaErrorMemoryAllocation",
    re.IGNORECASE,
)
_NOT_COMPILED = re.compile(
    r"recompile[_ ]limit|cache_size_limit|graph break(?!s?: 0\b)|fall(?:ing|s)? back to eager"
    r"|failed to (?:apply torch\.compile|compile)|regional compilation skipped",
    re.IGNORECASE,
)
_NO_BREAK = re.compile(r"\b(?:0|no) graph breaks?\b", re.IGNORECASE)
_PHASES: tuple[tuple[Phase, re.Pattern[str]], ...] = (
    (
        "download",
        re.compile(
            r"\bdownloading\b|\bfetching \d+ files\b|\.(?:safetensors|bin|ckpt|gguf):\s+\d+%",
            re.IGNORECASE,
        ),
    ),
    (
        "compile",
        re.compile(r"\bcompiling\b|torch\.compile\b|\binductor\b|\bautotun", re.IGNORECASE),
    ),
    (
        "load",
        re.compile(r"\bload(?:ing|ed)\b|\bapplication startup|\buvicorn running\b", re.IGNORECASE),
    ),
)


class LogWatch:
    """Looks at each line; what ends the launch is returned, what only marks it is kept.

    ``native`` refuses another framework's pipelines, ``compiled`` a compilation that fell back.
    """

    def __init__(self, *, native: bool, compiled: bool) -> None:
        self._native = native
        self._compiled = compiled
        self.not_compiled: str | None = None
        self.phase: Phase = "load"

    def line(self, text: str) -> FrameworkError | None:
        """The failure that the line tells of, if it is one."""
        text = text[:LINE_CHARS]
        if self._native and _FALLBACK.search(text):
            return FrameworkError(FailureKind.FALLBACK, _quoted(text))
        if _OUT_OF_MEMORY.search(text):
            return FrameworkError(FailureKind.MEMORY, _quoted(text))
        if _NOT_COMPILED.search(text) and not _NO_BREAK.search(text):
            self.not_compiled = self.not_compiled or _quoted(text)
            if self._compiled:
                return FrameworkError(FailureKind.NOT_COMPILED, _quoted(text))
        self.phase = next((name for name, words in _PHASES if words.search(text)), self.phase)
        return None


def _quoted(line: str) -> str:
    return one_line(line, most_chars=_QUOTED_CHARS)
