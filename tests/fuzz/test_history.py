"""Result files and nightly files in any shape: nothing but a problem in words comes of them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from perfgate.errors import ConfigurationError
from perfgate.history.folder import Folder
from perfgate.history.names import result_name
from perfgate.history.nightly import Context, is_nightly, read_nightly
from perfgate.history.read import read_history
from tests.fuzz.counted import fuzz
from tests.nightly_files import a_newer_result, a_night, a_result
from tests.result_files import NOW, a_cell, a_results

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["ms", "e2e", "2026-03-20T02:00:00Z", "0123456789abcdef"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def mangled(draw: st.DrawFn, document: Any) -> Any:
    """The document with something else in one to three of its places."""
    whole = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 3))):
        at: Any = whole
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inner = at[key]
            if isinstance(inner, dict | list) and inner and draw(st.booleans()):
                at = inner
                continue
            if isinstance(at, dict) and draw(st.booleans()):
                del at[key]
            else:
                at[key] = draw(ANYTHING)
            break
    return whole


RESULTS = a_results(a_cell(1000, 1010, step=(3.0,)), a_cell("crashed", case="b")).model_dump(
    mode="json"
)
NIGHT = a_night(a_result(), a_newer_result("b"), a_result("c", None, error="500 Server Error"))


@fuzz(document=mangled(RESULTS) | ANYTHING)
def test_a_history_with_any_file_in_it_is_read(document: Any) -> None:
    content = json.dumps(document).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, result_name(a_results(), content))
        path.parent.mkdir(parents=True)
        path.write_bytes(content)

        history = read_history(Folder(root=Path(folder), told="here"), now=NOW)

    read = sum(len(line) for line in history.lines) + len(history.missed)
    has_cells = isinstance(document, dict) and document.get("cells")
    assert read or history.problems or not has_cells
    for line in history.lines:
        assert (line.lows <= line.values).all()
        assert (line.values <= line.highs).all()


@fuzz(document=mangled(NIGHT) | ANYTHING)
def test_any_nightly_file_is_read_or_refused_in_words(document: Any) -> None:
    if not is_nightly(document):
        return
    context = Context(hardware_key="h100", perfgate="0.1.0")
    try:
        converted = read_nightly(document).converted(context, attempt=1)
    except ConfigurationError:
        return
    results = document["results"]
    assert len(converted.results.cells) + len(converted.left_out) == len(results)
