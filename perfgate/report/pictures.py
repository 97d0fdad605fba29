"""What a summary says of the charts that were drawn, and how their files are called; draws none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from perfgate.report.escape import escape_markdown
from perfgate.report.page import Fold

CHARTS = "charts"
"""The folder of the pictures, in the job's own."""
MAX_PICTURES = 20
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Charts:
    """The pictures that were drawn: a file's name without suffix by case id, worst case first.

    ``beside`` says that the summary lies in the folder that holds them; ``notes`` say which were
    not drawn, and why.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    beside: bool = False


def chart_name(case_id: str) -> str:
    """The name of a case's picture, without its suffix.

    The suite allows only ids that are safe names. One from elsewhere keeps what is safe of it,
    and a hash that tells it from others.
    """
    if _SAFE_NAME.fullmatch(case_id):
        return case_id
    kept = re.sub(r"[^A-Za-z0-9]+", "-", case_id)[:40].strip("-") or "case"
    return f"{kept}-{hashlib.sha256(case_id.encode(errors='surrogatepass')).hexdigest()[:12]}"


def charts_fold(charts: Charts) -> Fold | None:
    """The pictures in their folder's own summary; their names in one that is read elsewhere.

    GitHub's job summary has no way to a file of the job: a relative link there leads to a page
    that does not exist, so the reader is told the name to look for among the uploaded files.
    """
    if not charts.names:
        return None
    shown = list(charts.names.items())[:MAX_PICTURES]
    more = len(charts.names) - len(shown)
    if charts.beside:
        lines = [f"![{escape_markdown(case_id)}]({CHARTS}/{name}.svg)\n" for case_id, name in shown]
    else:
        told = "In the job's folder, wherever that is uploaded, each as SVG and PNG:\n"
        lines = [told, *(f"- `{CHARTS}/{name}.svg`" for _, name in shown)]
    rest = [f"\nAnd {more:,} more in `{CHARTS}/`."] if more else []
    return Fold(title="Charts", body="\n".join([*lines, *rest]).strip())
