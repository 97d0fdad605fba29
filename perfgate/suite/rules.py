"""What a JSON schema can say of a case as a whole, for editors; the validators decide.

Each rule refuses only what a validator of :mod:`perfgate.suite.case` or of
:mod:`perfgate.suite.frameworks` refuses. Has no effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Rule = dict[str, Any]

_ABSENT: Rule = {"type": "null"}
_NO_KEYS: Rule = {"maxProperties": 0}
_NO_ITEMS: Rule = {"maxItems": 0}
_THERE: Rule = {"not": {"type": "null"}}


def _where(key: str, values: Iterable[str], then: Rule, *, otherwise: Rule | None = None) -> Rule:
    """``then`` holds where ``key`` is one of the values."""
    asked = {"properties": {key: {"enum": list(values)}}, "required": [key]}
    return {"if": asked, "then": then} | ({} if otherwise is None else {"else": otherwise})


def _needs(*keys: str, **others: Rule) -> Rule:
    return {"properties": dict.fromkeys(keys, _THERE) | others, "required": list(keys)}


def _serves(**keys: Rule) -> Rule:
    return {"properties": keys}


_SERVER: Rule = {
    **_serves(mode={"const": "server"}, compile={"const": False}),
    "anyOf": [_needs("command"), _needs("address")],
}
_SGLANG: Rule = _serves(**dict.fromkeys(("command", "address", "path", "body", "latency"), _ABSENT))
_NATIVE: Rule = {"properties": {**_SGLANG["properties"], "mode": {"const": "server"}}}


def case_rules(
    frameworks: Sequence[str],
    *,
    of_videos: Sequence[str],
    with_image: Sequence[str],
    unsaid: Mapping[str, Any],
) -> list[Rule]:
    """What a case needs and may not have by its backend and task; ``frameworks`` are backends.

    ``unsaid`` holds what each key of ``serve`` is where nothing is said.
    """
    native = [name for name in frameworks if name not in ("sglang", "server")]
    others = {name: _SERVER if name == "server" else _NATIVE for name in frameworks}
    of_frameworks: Rule = _needs(
        *("model", "task", "request"),
        command=_ABSENT,
        preset=_ABSENT,
        params=_NO_KEYS,
        outputs=_NO_ITEMS,
        launch={"const": "fresh"},
        frameworks={
            "properties": others | {"sglang": _SGLANG},
            "additionalProperties": _SERVER,
        },
    )
    unsaid_serve = {key: {"const": value} for key, value in unsaid.items()}
    unsaid_serve["args"] = {"maxItems": 0, "pattern": r"^\s*$"}
    elsewhere: Rule = {
        "properties": dict.fromkeys(("model", "task", "request"), _ABSENT)
        | {"frameworks": _NO_KEYS, "serve": _serves(**unsaid_serve)}
    }
    of_kernels = _needs(
        "kernel",
        command=_ABSENT,
        preset={"enum": [None, ""]},
        params=_NO_KEYS,
        outputs=_NO_ITEMS,
        launch={"const": "fresh"},
        devices={"const": 1},
    )
    not_kernels: Rule = {"properties": {"kernel": _ABSENT}}
    resident = {"properties": {"launch": {"const": "resident"}}, "required": ["launch"]}
    return [
        _where("backend", ["command"], _needs("command", preset=_ABSENT, params=_NO_KEYS)),
        _where("backend", ["builtin"], _needs("preset", command=_ABSENT)),
        _where("backend", ["kernel"], of_kernels, otherwise=not_kernels),
        _where("backend", frameworks, of_frameworks, otherwise=elsewhere),
        _where("backend", ["server"], _needs("serve", serve=_SERVER)),
        _where("backend", ["sglang"], {"properties": {"serve": _SGLANG}}),
        _where("backend", native, {"properties": {"serve": _NATIVE}}),
        _where("task", with_image, {"properties": {"request": _needs("image")}}),
        {
            "if": {"properties": {"task": {"not": {"enum": list(of_videos)}}}},
            "then": {"properties": {"request": _serves(frames=_ABSENT, fps=_ABSENT)}},
        },
        {"if": _needs("restart_every"), "then": resident},
    ]


ONE_PLACE: Rule = {"not": _needs("command", "address")}
"""A server is started, or runs already."""


def nothing_twice(
    fields: Iterable[str], also_called: Mapping[str, str], *, always: Sequence[str]
) -> list[Rule]:
    """``extra`` says no field of a request again, under its own name or a framework's.

    ``always`` are those that have a value where nothing is said.
    """

    def again(field: str) -> Rule:
        names = [field, *(name for name, of in also_called.items() if of == field)]
        extra = {"propertyNames": {"not": {"enum": names}}}
        rule: Rule = {"properties": {"extra": extra}}
        return rule if field in always else {"if": _needs(field), "then": rule}

    return [again(field) for field in fields]
