"""What somebody asked for in a comment, kept until a trusted job carries it out. Values alone.

It holds no figure: what is proposed in its name is what that job measured.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from perfgate.errors import BaselineError
from perfgate.records import CASE_ID, Value, first_problem
from perfgate.verdict.acceptance import Acceptance, Name

MOST_ASKS = 100
"""Of one kind of machine at a time."""
_URL = r"^https?://[^\s\x00-\x20\x7f<>\"`]+$"


class Ask(Value):
    """One command of one comment: accept what got slower in a case, or keep its newest figures.

    ``comment`` is the comment's number and ``url`` its address. To accept takes a ``reason``, an
    ``issue`` and the last day; an empty ``metric`` means each of the case's that got slower.
    """

    kind: Literal["accept", "update"]
    comment: Annotated[int, Field(gt=0)]
    url: Annotated[str, Field(pattern=_URL, max_length=500)]
    asked_by: Name
    asked_on: date
    case: Annotated[str, Field(pattern=f"^{CASE_ID}$")]
    metric: Name | Literal[""] = ""
    reason: str = ""
    issue: str = ""
    expires: date | None = None

    @model_validator(mode="after")
    def _whole(self) -> Ask:
        if self.kind == "accept":
            # The rules of what it is to become; the reference and the ceiling are for a job to say.
            Acceptance.model_validate(
                {
                    "case": self.case,
                    "metric": self.metric or "any",
                    "hardware": "any",
                    "reference": {"value": 1.0, "unit": "ms", "commit": "0" * 40},
                    "ceiling": 2.0,
                    "reason": self.reason,
                    "issue": self.issue,
                    "expires": self.expires,
                    "asked_by": self.asked_by,
                }
            )
        return self

    @property
    def key(self) -> tuple[int, str, str, str]:
        """What is asked for once: the same line of the same comment."""
        return (self.comment, self.kind, self.case, self.metric)

    @property
    def digest(self) -> str:
        """A short name for it, with nothing of anybody's text in it."""
        return hashlib.sha256(repr(self.key).encode()).hexdigest()[:12]

    def is_over(self, today: date) -> bool:
        """Whether the last day that it asks for is past."""
        return self.expires is not None and self.expires < today

    def told(self) -> str:
        """What is asked for in a few words; its names are the author's own text."""
        if self.kind == "update":
            return f"new figures of {self.case}"
        what = f"{self.case} {self.metric}".strip()
        return f"{what} may be slower until {self.expires}"


def an_ask(**fields: object) -> Ask:
    """The ask with these fields; BaselineError says which of them cannot be."""
    try:
        return Ask.model_validate(fields)
    except ValidationError as error:
        raise BaselineError(
            f"this cannot be asked for: {first_problem(error, whole='it')}",
            fix="Name a case and a metric as the tables do, with a reason of one line.",
        ) from error
