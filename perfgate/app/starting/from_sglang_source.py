"""Reads what Python files say at their top level by their syntax alone; imports and runs nothing.

Understood is what a table of test cases is written in: constants, lists and mappings, calls of
classes with declared fields, ``replace``, and functions that only return. Anything else is
:class:`Unknown`, with the reason. What a run would take from its environment counts as unset.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from perfgate.app.starting.from_sglang_values import (
    Made,
    Unknown,
    added,
    copied,
    dumped,
    shown,
    unknown_in,
    unread,
)

_MOST_CALLS_DEEP: Final = 30
_MOST_CALLS: Final = 100_000
_MOST_FILE_BYTES: Final = 2_000_000


@dataclass(frozen=True, kw_only=True)
class _Defined:
    """A function or a class, with the names that it was written among."""

    node: ast.FunctionDef | ast.ClassDef
    names: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Imported:
    """A name of another file, which is read when somebody asks for it."""

    path: Path | None
    module: str
    name: str


@dataclass(kw_only=True)
class Sources:
    """Python files by their paths, each read once; ``problems`` are those that are none."""

    problems: dict[Path, str] = field(default_factory=dict)
    _names: dict[Path, dict[str, Any]] = field(default_factory=dict)
    _depth: int = 0
    _calls: int = 0

    def lists_of(self, path: Path, kind: str) -> Iterator[tuple[str, list[Made]]]:
        """Each list at a file's top level that holds objects of a class, by its name."""
        for name, value in self._read(path).items():
            if isinstance(value, list):
                made = [one for one in value if isinstance(one, Made) and one.kind == kind]
                if made:
                    yield name, made

    def value(self, path: Path, name: str) -> Any:  # noqa: ANN401 - whatever stands there
        """What a name at a file's top level stands for, imported or not; else Unknown."""
        return self._named(name, self._read(path))

    def _read(self, path: Path) -> dict[str, Any]:
        if path not in self._names:
            # Before it is filled: files may import each other.
            names = self._names[path] = {}
            try:
                if path.stat().st_size > _MOST_FILE_BYTES:
                    raise ValueError(f"larger than {_MOST_FILE_BYTES} bytes")
                tree = ast.parse(path.read_bytes())
                for statement in tree.body:
                    self._run(statement, names, path)
            except (OSError, ValueError, SyntaxError, RecursionError, MemoryError) as error:
                told = getattr(error, "strerror", None) or getattr(error, "msg", None) or str(error)
                self.problems[path] = str(told) or type(error).__name__
        return self._names[path]

    def _run(self, statement: ast.stmt, names: dict[str, Any], path: Path) -> None:
        match statement:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Name):
                        names[target.id] = self._value(value, names)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                names[name] = self._value(value, names)
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
                names[name] = added(self._named(name, names), self._value(value, names))
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id=name), attr="append" | "extend" as how),
                    args=[argument],
                )
            ):
                given = self._value(argument, names)
                names[name] = added(self._named(name, names), [given] if how == "append" else given)
            case ast.If(body=body, orelse=orelse):
                self._either(body, orelse, names, path)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names[name] = _Defined(node=statement, names=names)
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                self._import(module, aliases, names, path)

    def _either(
        self, body: list[ast.stmt], orelse: list[ast.stmt], names: dict[str, Any], path: Path
    ) -> None:
        """Both ways of a condition; where they differ the longer list, since it holds more."""
        here, there = dict(names), dict(names)
        for branch, statements in ((here, body), (there, orelse)):
            for statement in statements:
                self._run(statement, branch, path)
        for name in here | there:
            one, other = here.get(name), there.get(name)
            if isinstance(one, list) and isinstance(other, list):
                names[name] = max(one, other, key=len)
            else:
                names[name] = here.get(name, other)

    def _import(
        self, module: str, aliases: list[ast.alias], names: dict[str, Any], path: Path
    ) -> None:
        found = _file_of(module, path)
        for alias in aliases:
            names[alias.asname or alias.name] = _Imported(
                path=found, module=module, name=alias.name
            )

    def _named(self, name: str, names: Mapping[str, Any]) -> Any:  # noqa: ANN401
        found = names.get(name, Unknown(why=f"{name} is not defined where it is read"))
        if not isinstance(found, _Imported):
            return found
        if found.path is None or self._depth >= _MOST_CALLS_DEEP:
            return Unknown(why=f"{found.module} is not here")
        self._depth += 1
        try:
            return self._named(found.name, self._read(found.path))
        finally:
            self._depth -= 1

    def _value(self, node: ast.expr, names: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """What an expression stands for."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._named(name, names)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return self._items(items, names)
            case ast.Dict():
                return self._mapping(node, names)
            case ast.Call():
                return self._call(node, names)
        return self._composed(node, names)

    def _composed(self, node: ast.expr, names: Mapping[str, Any]) -> Any:  # noqa: ANN401
        match node:
            case ast.JoinedStr(values=parts):
                texts = [self._value(_bare(part), names) for part in parts]
                return unknown_in(texts) or "".join(str(text) for text in texts)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return added(self._value(left, names), self._value(right, names))
            case ast.BoolOp(op=ast.Or(), values=values):
                return self._first(values, names)
            case ast.ListComp(elt=each, generators=[ast.comprehension(ifs=[]) as one]):
                return self._each(each, one, names)
            case ast.Attribute(value=ast.expr() as base, attr=attr):
                owner = self._value(base, names)
                return owner[attr] if isinstance(owner, Made) else unread(node)
        return self._negated(node, names)

    def _negated(self, node: ast.expr, names: Mapping[str, Any]) -> Any:  # noqa: ANN401
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self._value(node.operand, names)
            return -value if isinstance(value, int | float) else unread(node)
        return unread(node)

    def _items(self, nodes: list[ast.expr], names: Mapping[str, Any]) -> Any:  # noqa: ANN401
        found: Any = []
        for node in nodes:
            starred = isinstance(node, ast.Starred)
            value = self._value(node.value if isinstance(node, ast.Starred) else node, names)
            found = added(found, value if starred else [value])
        return found

    def _mapping(self, node: ast.Dict, names: Mapping[str, Any]) -> Any:  # noqa: ANN401
        found: dict[Any, Any] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self._value(value_node, names)
            if key_node is None:
                if not isinstance(value, Mapping):
                    return value if isinstance(value, Unknown) else unread(node)
                found |= value
                continue
            key = self._value(key_node, names)
            if not isinstance(key, str | int | float | bool | None):
                return unread(node)
            found[key] = value
        return found

    def _first(self, nodes: list[ast.expr], names: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """``a or b``: what is not known here is unset, so that the default after it counts."""
        value: Any = None
        for node in nodes:
            value = self._value(node, names)
            if value and not isinstance(value, Unknown):
                return value
        return value

    def _each(self, each: ast.expr, over: ast.comprehension, names: Mapping[str, Any]) -> Any:  # noqa: ANN401
        items = self._value(over.iter, names)
        if not isinstance(items, list) or not isinstance(over.target, ast.Name):
            return items if isinstance(items, Unknown) else unread(each)
        return [self._value(each, {**names, over.target.id: item}) for item in items]

    def _call(self, node: ast.Call, names: Mapping[str, Any]) -> Any:  # noqa: ANN401
        arguments = self._items(node.args, names)
        named = {one.arg: self._value(one.value, names) for one in node.keywords if one.arg}
        if not isinstance(arguments, list) or len(named) < len(node.keywords):
            return unread(node)
        defined = self._named(node.func.id, names) if isinstance(node.func, ast.Name) else None
        if isinstance(defined, _Defined):
            return self._made(defined, node, arguments, named)
        found = _of_the_library(ast.unparse(node.func), arguments, named)
        return unread(node) if found is None else found.value

    def _made(
        self, defined: _Defined, call: ast.Call, arguments: list[Any], named: dict[str, Any]
    ) -> Any:  # noqa: ANN401
        self._calls += 1
        if self._depth >= _MOST_CALLS_DEEP or self._calls > _MOST_CALLS:
            return Unknown(why=f"`{shown(call)}` calls too much")
        self._depth += 1
        try:
            match defined.node:
                case ast.ClassDef() as made:
                    return self._object(made, defined.names, arguments, named)
                case ast.FunctionDef() as function:
                    return self._returned(function, defined.names, call, arguments, named)
        finally:
            self._depth -= 1

    def _object(
        self,
        made: ast.ClassDef,
        names: Mapping[str, Any],
        arguments: list[Any],
        named: dict[str, Any],
    ) -> Made:
        fields: dict[str, Any] = {}
        for statement in made.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                fields[statement.target.id] = self._default(statement.value, names)
        given = dict(zip(fields, arguments, strict=False))
        return Made(kind=made.name, fields={**fields, **given, **named})

    def _default(self, node: ast.expr | None, names: Mapping[str, Any]) -> Any:  # noqa: ANN401
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in (
            "field",
            "dataclasses.field",
        ):
            return None if node is None else self._value(node, names)
        for one in node.keywords:
            match one:
                case ast.keyword(arg="default", value=value):
                    return self._value(value, names)
                case ast.keyword(arg="default_factory", value=ast.Lambda(body=body)):
                    return self._value(body, names)
                case ast.keyword(arg="default_factory", value=ast.Name(id="list" | "tuple")):
                    return []
                case ast.keyword(arg="default_factory", value=ast.Name(id="dict")):
                    return {}
        return unread(node)

    def _returned(
        self,
        function: ast.FunctionDef,
        names: Mapping[str, Any],
        call: ast.Call,
        arguments: list[Any],
        named: dict[str, Any],
    ) -> Any:  # noqa: ANN401
        body = [one for one in function.body if not _is_docstring(one)]
        match body:
            case [ast.Return(value=ast.expr() as value)]:
                given = self._parameters(function.args, names)
                positional = [*function.args.posonlyargs, *function.args.args]
                given |= {
                    one.arg: argument for one, argument in zip(positional, arguments, strict=False)
                }
                return self._value(value, {**names, **given, **named})
        return unread(call)

    def _parameters(self, args: ast.arguments, names: Mapping[str, Any]) -> dict[str, Any]:
        """The defaults of those parameters that have one."""
        positional = [*args.posonlyargs, *args.args]
        with_default = positional[len(positional) - len(args.defaults) :]
        pairs = [*zip(with_default, args.defaults, strict=True)]
        pairs += [
            (one, default)
            for one, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
            if default is not None
        ]
        return {one.arg: self._value(default, names) for one, default in pairs}


@dataclass(frozen=True, kw_only=True)
class _Known:
    value: Any


def _of_the_library(called: str, arguments: list[Any], named: dict[str, Any]) -> _Known | None:
    """What a function of the standard library gives; None for one that is not known here."""
    unknown = unknown_in([arguments, named])
    match called, arguments:
        case "replace" | "dataclasses.replace", [Made() as made]:
            # What is not known of one field does not hide the others.
            return _Known(value=replace(made, fields={**made.fields, **named}))
        case "dict" | "list" | "tuple", [one]:
            return _Known(value=copied(one))
        case "json.dumps", [one]:
            return _Known(value=unknown or dumped(one, named))
        case "os.path.join", [*parts]:
            joined = "/".join(str(part).rstrip("/") for part in parts)
            return _Known(value=unknown or joined)
        case "os.getenv" | "os.environ.get", [_, *default]:
            return _Known(value=default[0] if default else None)
    return None


def _file_of(module: str, importer: Path) -> Path | None:
    """The file of a module whose top package lies in a folder above the one that imports it."""
    inside = Path(*module.split(".")).with_suffix(".py")
    candidates = (folder / inside for folder in importer.parents)
    return next((path for path in candidates if path.is_file()), None)


def _bare(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.FormattedValue) else node


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
