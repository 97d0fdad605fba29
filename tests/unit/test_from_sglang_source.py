"""What Python files say at their top level, by their syntax."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.app.starting.from_sglang_source import Sources
from perfgate.app.starting.from_sglang_values import Made, Unknown, unknown_in


def value(tmp_path: Path, source: str, name: str = "x", **files: str) -> Any:
    for module, text in files.items():
        (tmp_path / f"{module}.py").write_text(dedent(text))
    main = tmp_path / "main.py"
    main.write_text(dedent(source))
    return Sources().value(main, name)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 'a' 'b'", "ab"),
        ("x: int = -3", -3),
        ("y = 'in'; x = f'with{y}'", "within"),
        ("y = [1]; x = [*y, 2]", [1, 2]),
        ("y = {'a': 1}; x = {**y, 'b': 2}", {"a": 1, "b": 2}),
        ("x = [1]\nx += [2]\nx.append(3)\nx.extend([4])", [1, 2, 3, 4]),
        ("x = [1] + [2]", [1, 2]),
        ("import os\nx = os.path.join('/models/', 'a', 'b')", "/models/a/b"),
        ("import json\nx = json.dumps({'a': [1]}, separators=(',', ':'))", '{"a":[1]}'),
        ("import os\nx = os.environ.get('A', 'default')", "default"),
        ("x = envs.A.get() or 'default'", "default"),
        ("y = {'a': 1}; x = dict(y)", {"a": 1}),
        ("def f(a, b='c'):\n    'Doc.'\n    return a + b\nx = f('a')", "ac"),
        ("def f(*, a, b=2):\n    return [a, b]\nx = f(a=1)", [1, 2]),
        ("x = [1]\nif somewhere():\n    x += [2]", [1, 2]),
        ("if somewhere():\n    x = []\nelse:\n    x = [1]", [1]),
    ],
)
def test_a_value_is_read(source: str, expected: object, tmp_path: Path) -> None:
    assert value(tmp_path, source) == expected


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("x = download('model')", "`download('model')` is only known when it runs"),
        ("x = y", "y is not defined where it is read"),
        ("from nowhere import x", "nowhere is not here"),
        ("def f(a):\n    return f(a)\nx = f(1)", "`f(a)` calls too much"),
        ("def f(a):\n    return [*f(a), *f(a)]\nx = f(1)", "`f(a)` calls too much"),
        ("def f():\n    y = 1\n    return y\nx = f()", "`f()` is only known when it runs"),
        ("x = 1 + [2]", "a sum that is not read"),
        ("x = 'ab'\n" + "x = x + x\n" * 40, "a sum that is too long"),
        ("x = [1]\n" + "x = x + x\n" * 40, "a sum that is too long"),
        ("x = {**y()}", "`y()` is only known when it runs"),
    ],
)
def test_what_only_a_run_would_tell_says_why(source: str, why: str, tmp_path: Path) -> None:
    assert value(tmp_path, source) == Unknown(why=why)


def test_names_of_other_files_are_followed(tmp_path: Path) -> None:
    found = value(tmp_path, "from other import y as z\nx = [z]", other="y = 'there'")
    assert found == ["there"]


def test_files_that_import_each_other_end(tmp_path: Path) -> None:
    found = value(tmp_path, "from other import y\nx = y", other="from main import x\ny = x")
    assert isinstance(found, Unknown)


def test_an_object_has_its_class_and_every_field(tmp_path: Path) -> None:
    source = """
    from dataclasses import dataclass, field, replace

    @dataclass
    class Case:
        id: str
        steps: int = 8
        extras: list[str] = field(default_factory=lambda: ["a"])
        told: dict = field(default_factory=dict)

    made = Case("one", told={"b": 1})
    x = replace(made, steps=4)
    """
    assert value(tmp_path, source) == Made(
        kind="Case", fields={"id": "one", "steps": 4, "extras": ["a"], "told": {"b": 1}}
    )


def test_a_part_that_is_not_known_does_not_hide_the_others(tmp_path: Path) -> None:
    source = """
    class Case:
        id: str
        model: str = ""

    x = [Case("one", model=download("a")), Case("two")]
    """
    first, second = value(tmp_path, source)
    assert first["id"] == "one"
    assert unknown_in(first) == Unknown(why="`download('a')` is only known when it runs")
    assert unknown_in(second) is None


def test_nothing_is_run(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    found = value(tmp_path, f"open({str(trap)!r}, 'w')\nx = 1\nraise SystemExit(3)")
    assert found == 1
    assert not trap.exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"x = (", "never closed"), (b"x = '\xff'", "utf-8"), (b"x = 1\0", "null")],
)
def test_a_file_that_is_no_python_is_told(content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_bytes(content)
    sources = Sources()
    assert isinstance(sources.value(path, "x"), Unknown)
    assert told in sources.problems[path]


EXPRESSIONS = st.recursive(
    st.sampled_from(["1", "'a'", "x", "y", "None", "f", "Case", "a.b", "-x", "{**x}", "[*x]"]),
    lambda inner: st.one_of(
        st.builds("{} + {}".format, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds("{}({})".format, st.sampled_from(["f", "Case", "replace", "dict"]), inner),
        st.builds("json.dumps({}, separators={})".format, inner, inner),
        st.builds("os.path.join({}, {})".format, inner, inner),
        st.builds("[{} for z in {}]".format, inner, inner),
        st.builds("{} or {}".format, inner, inner),
        st.builds("f'{{{}}}'".format, st.sampled_from(["x", "y", "1"])),
    ),
    max_leaves=6,
)
STATEMENTS = st.one_of(
    st.builds("{} = {}".format, st.sampled_from("xyf"), EXPRESSIONS),
    st.builds("x += {}".format, EXPRESSIONS),
    st.builds("x.append({})".format, EXPRESSIONS),
    st.builds("def f(a=1):\n    return {}".format, EXPRESSIONS),
    st.builds("class Case:\n    a: int = {}\n    b: str = 'b'".format, EXPRESSIONS),
    st.builds("if {0}:\n    x = [{0}]\nelse:\n    y = [2]".format, EXPRESSIONS),
)


@given(st.lists(STATEMENTS, max_size=6))
def test_any_file__is_read_without_a_fault(statements: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "some.py"
        path.write_text("\n".join(statements))
        sources = Sources()
        sources.value(path, "x")
        assert not sources.problems


def test_deep_nesting_is_told(tmp_path: Path) -> None:
    path = tmp_path / "deep.py"
    path.write_text("x = " + "-" * 50_000 + "1")
    sources = Sources()
    sources.value(path, "x")
    assert path in sources.problems
