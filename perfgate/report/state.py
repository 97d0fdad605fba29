"""What a comment remembers: its marker and the earlier results, as hidden lines; may not fail.

The first line of a comment says whose it is, the second holds the earlier results of the pull
request. Both are read only from their own line, since a log further down may hold anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from perfgate.records import Verdict
from perfgate.report.escape import one_line

MAX_EARLIER = 20
"""Results kept: enough for a long pull request, in less than a quarter of a comment."""

_MAX_STATE_CHARS = 16_000
_LIMITS = {"commit": 40, "verdict": 20, "headline": 120, "when": 40, "run_url": 200, "job": 80}
_STATE = re.compile(rf"<!-- perfgate:history=([A-Za-z0-9+/=]{{0,{_MAX_STATE_CHARS}}}) -->")
_MARKER = re.compile(r"<!-- perfgate:comment key=([A-Za-z0-9._-]+)(?:/([A-Za-z0-9._-]+))? -->")
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&*+,;=%-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """One result of this pull request, as the comment keeps it.

    job  what tells the job that wrote it from the others of its run; empty where there is no run
    """

    commit: str
    verdict: str
    headline: str
    when: str = ""
    run_url: str = ""
    job: str = ""


def marker(suite: str, key: str = "") -> str:
    """The first line of the comment of a suite, and of one key of it; two never share one."""
    return f"<!-- perfgate:comment key={slug(suite)}{f'/{slug(key, limit=120)}' if key else ''} -->"


def slug(text: str, *, limit: int = 60) -> str:
    """The text in letters, digits, dots, underscores and hyphens; two texts never share one."""
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-")[:limit] or "suite"
    if plain != text:
        plain += "-" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
    return plain


def key_in(body: str, suite: str) -> str | None:
    """The key of a comment of this suite, empty for none; None for what is no comment of it.

    Its author is for the caller to check.
    """
    found = _MARKER.fullmatch(body.split("\n", 1)[0].strip())
    return (found[2] or "") if found and found[1] == slug(suite) else None


def belongs_to(body: str, suite: str) -> bool:
    """Whether a comment is the one of this suite; its author is for the caller to check."""
    return key_in(body, suite) == ""


def read_history(body: str) -> tuple[Earlier, ...]:
    """The results that a comment remembers, oldest first; anything damaged reads as none."""
    for line in body[: 2 * _MAX_STATE_CHARS].split("\n")[:3]:
        if match := _STATE.fullmatch(line.strip()):
            return _decoded(match[1])
    return ()


def state_line(results: Sequence[Earlier]) -> str:
    """The hidden line that :func:`read_history` reads; the newest results are kept."""
    kept = [_told(bounded(result)) for result in results[-MAX_EARLIER:]]
    while True:
        text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
        # The standard alphabet of base64 has no hyphen, so that it cannot end an HTML comment.
        state = base64.b64encode(text.encode("utf-8", "replace")).decode()
        if len(state) <= _MAX_STATE_CHARS:
            return f"<!-- perfgate:history={state} -->"
        kept = kept[1:]


def _told(result: Earlier) -> dict[str, str]:
    return {name: text for name, text in asdict(result).items() if text or name != "job"}


def bounded(result: Earlier) -> Earlier:
    """The result with every text in one line, and cut to its length; a bad address is left out."""
    cut = {name: one_line(getattr(result, name), limit=limit) for name, limit in _LIMITS.items()}
    return Earlier(**{**cut, "run_url": safe_url(result.run_url)})


def safe_url(url: str | None) -> str:
    """The address where it can stand in markdown as it is, else nothing."""
    return url if url and len(url) <= _LIMITS["run_url"] and _URL.fullmatch(url) else ""


def _decoded(state: str) -> tuple[Earlier, ...]:
    try:
        found = json.loads(base64.b64decode(state, validate=True).decode())
    except (ValueError, RecursionError):
        return ()
    if not isinstance(found, list):
        return ()
    results = [_result(item) for item in found[-MAX_EARLIER:]]
    return tuple(result for result in results if result is not None)


def _result(item: object) -> Earlier | None:
    if not isinstance(item, dict):
        return None
    texts = {field.name: item.get(field.name, "") for field in fields(Earlier)}
    if not all(isinstance(text, str) for text in texts.values()):
        return None
    if texts["verdict"] not in list(Verdict) or not texts["commit"]:
        return None
    return bounded(Earlier(**texts))
