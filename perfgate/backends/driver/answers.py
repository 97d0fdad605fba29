"""Reads a framework's answer: its picture, its own times, its memory. Trusts no shape of it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MS_PER_S = 1000.0
_MAGIC = (
    (b"\x89PNG", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"RIFF", ".webp"),
    (b"GIF8", ".gif"),
)
_MP4_MARK = b"ftyp"
MOST_STAGES = 64
_STAGE_NAME_CHARS = 200


def server_ms(document: Mapping[str, Any], latency: str | None) -> float | None:
    """The server's own latency of the request: at ``latency`` in ms, else where it is known to be.

    sglang and vllm-omni tell ``inference_time_s``; of pictures vllm-omni tells what each of its
    processes took, one after the other.
    """
    if latency is not None:
        return number(_at(document, latency))
    seconds = number(document.get("inference_time_s"))
    if seconds is not None:
        return seconds * _MS_PER_S
    made = [value for name, value in _durations_ms(document).items() if name.endswith("_gen_ms")]
    return math.fsum(made) if made else None


def stages_ms(document: Mapping[str, Any]) -> dict[str, float]:
    """The stages that an answer tells of, as vllm-omni's profiler does; empty where it is off."""
    found = _durations_ms(document)
    return {name: value for name, value in found.items() if not name.endswith("_ms")}


def peak_memory_mb(document: Mapping[str, Any]) -> float | None:
    """The most device memory that the server says it had."""
    metrics = document.get("metrics")
    inner = metrics.get("peak_memory_mb") if isinstance(metrics, Mapping) else None
    found = number(document.get("peak_memory_mb")) or number(inner)
    return found or None


def picture(document: Mapping[str, Any]) -> bytes | None:
    """The first picture that an answer holds. Raises ValueError for one that is damaged."""
    data = document.get("data")
    first = data[0] if isinstance(data, list) and data else None
    encoded = first.get("b64_json") if isinstance(first, Mapping) else None
    if not isinstance(encoded, str) or not encoded:
        return None
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError("the picture is not whole base64") from error


def fingerprint(content: bytes) -> dict[str, Any]:
    """What identifies a picture or a video: its hash, and a summary of what it shows.

    Raises ValueError for what cannot be decoded, which :func:`hashed` is left to identify.
    """
    suffix = _suffix(content)
    if suffix is None:
        raise ValueError("it is neither a picture nor a video that can be read here")
    # Heavy, and needed once all requests are served.
    from perfgate.backends.decode import decode  # noqa: PLC0415
    from perfgate.profile.sketch import summary  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="perfgate-output-") as folder:
        path = Path(folder) / f"output{suffix}"
        path.write_bytes(content)
        stages = [summary("output", one.values, span=one.span) for one in decode(path)]
    return {**hashed(content), "stages": stages}


def hashed(content: bytes) -> dict[str, Any]:
    """What identifies an output byte by byte."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "dtype": "uint8"}


def _suffix(content: bytes) -> str | None:
    if content[4:8] == _MP4_MARK:
        return ".mp4"
    return next((suffix for magic, suffix in _MAGIC if content.startswith(magic)), None)


def _durations_ms(document: Mapping[str, Any]) -> dict[str, float]:
    """vllm-omni's durations: in seconds, but for names that end in ``_ms``."""
    metrics = document.get("metrics")
    inner = metrics.get("stage_durations") if isinstance(metrics, Mapping) else None
    said = inner or document.get("stage_durations")
    if not isinstance(said, Mapping):
        return {}
    found = {}
    for name, value in list(said.items())[:MOST_STAGES]:
        taken = number(value)
        if taken is not None:
            key = str(name)[:_STAGE_NAME_CHARS]
            found[key] = taken if key.endswith("_ms") else taken * _MS_PER_S
    return found


def _at(document: object, place: str) -> object:
    for part in place.split("."):
        if isinstance(document, Mapping):
            document = document.get(part)
        elif isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document


def number(value: object) -> float | None:
    """A number that a time or a size can be; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and found >= 0 else None
