"""Why cases got slower, as profiler captures of base and head tell it: ``explanation.json``.

Schema history:
    1  first version

The file lies beside a decision and is read back for the comment: every text and number in it may
have been written by a pull request's code, and is bounded here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError

from perfgate.errors import ConfigurationError
from perfgate.records.measured import Tree
from perfgate.records.value import CASE_ID, Finite, NonNegative, Value, first_problem

MOST_ROWS = 50
"""Of one case; nobody reads more, and the captures are kept."""
_MOST_CASES, _MOST_NOTES = 100, 50
_Name = Annotated[str, Field(max_length=200)]
_Sentence = Annotated[str, Field(max_length=1_000)]
_Calls = Annotated[int, Field(ge=0, le=10**9)]

RowKind = Literal["calls", "shapes", "time"]


class ExplainedRow(Value):
    """One cause: a place in the request that head calls otherwise, or that takes longer there.

    ``kind`` is the evidence: another number of calls or other shapes, neither of which carries
    noise, or the time of calls alone. ``path`` leads from the stage to what is called; without one
    the row is the stage itself, outside of all it calls. ``includes`` counts the places that only
    changed because this one did; times are of all of them together. ``deviation_ms`` is that of
    the change, for times alone. ``more_calls_ms`` and ``slower_calls_ms`` add up to the change.
    """

    kind: RowKind
    what: Literal["range", "operator", "kernel"]
    stage: _Name
    path: Annotated[tuple[_Name, ...], Field(max_length=100)]
    steps: _Name = ""
    shapes_base: _Name = ""
    shapes_head: _Name = ""
    calls_base: _Calls
    calls_head: _Calls
    base_ms: NonNegative
    head_ms: NonNegative
    more_calls_ms: Finite
    slower_calls_ms: Finite
    deviation_ms: NonNegative | None = None
    includes: _Calls = 0

    @property
    def delta_ms(self) -> float:
        return self.head_ms - self.base_ms


class ExplainedCase(Value):
    """What the captures of one case say; ``problem`` is why they say nothing.

    ``rows`` are in order of what they explain, ``rows_left_out`` were cut, and ``hidden`` lay
    below three deviations. ``more_calls_ms`` and ``slower_calls_ms`` split the change of all
    places, on the ``clock`` of the host or of the device. Memory is the most that a request had
    allocated, in MiB, on the ``host`` and on the ``device``.
    """

    id: Annotated[str, Field(pattern=f"^{CASE_ID}$")]
    captures: Annotated[int, Field(ge=0, le=1_000)] = 0
    clock: Literal["host", "device"] = "host"
    request_base_ms: NonNegative = 0.0
    request_head_ms: NonNegative = 0.0
    more_calls_ms: Finite = 0.0
    slower_calls_ms: Finite = 0.0
    rows: Annotated[tuple[ExplainedRow, ...], Field(max_length=MOST_ROWS)] = ()
    rows_left_out: _Calls = 0
    hidden: _Calls = 0
    flops_base: NonNegative | None = None
    flops_head: NonNegative | None = None
    memory_base_mb: Annotated[dict[_Name, NonNegative], Field(max_length=4)] = Field(
        default_factory=dict
    )
    memory_head_mb: Annotated[dict[_Name, NonNegative], Field(max_length=4)] = Field(
        default_factory=dict
    )
    notes: Annotated[tuple[_Sentence, ...], Field(max_length=_MOST_NOTES)] = ()
    problem: _Sentence = ""


class Explanation(Value):
    """All explained cases of one comparison."""

    schema_name: Literal["perfgate.explanation"] = Field("perfgate.explanation", alias="schema")
    version: Literal[1] = 1
    perfgate: Annotated[str, Field(max_length=100)]
    base: Tree
    head: Tree
    cases: Annotated[tuple[ExplainedCase, ...], Field(max_length=_MOST_CASES)]

    def to_json(self) -> str:
        """The document as JSON text with a final newline."""
        return self.model_dump_json(indent=1) + "\n"


def parse_explanation(text: str, *, source: str) -> Explanation:
    """Read an explanation; raises ConfigurationError naming ``source`` for anything else."""
    try:
        return Explanation.model_validate_json(text)
    except ValidationError as error:
        raise ConfigurationError(
            f"{source} is no explanation that this perfgate reads: {first_problem(error)}",
            fix="Run `perfgate explain` again.",
        ) from error
