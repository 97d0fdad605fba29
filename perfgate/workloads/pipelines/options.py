"""The arguments that a diffusers case may write under ``serve.args``. Standard library, no I/O."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NoReturn, cast

from perfgate.errors import ConfigurationError
from perfgate.profile.recorder import Sync

Offload = Literal["model", "sequential"]

DTYPES = ("float32", "float16", "bfloat16")
_OFFLOADS = ("model", "sequential")
_SYNCS = ("stage", "events")
_WHOLE = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How the pipeline is loaded and run; what is absent is diffusers' or the device's own.

    ``dtypes`` has the type of a component by its name, and that of all others under ``default``.
    """

    dtypes: Mapping[str, str] = field(default_factory=dict)
    revision: str | None = None
    variant: str | None = None
    offload: Offload | None = None
    compile_mode: str | None = None
    sync: Sync | None = None


def parse_options(arguments: Sequence[str]) -> Options:
    """Read ``serve.args``; raises ConfigurationError that names what is wrong and what there is."""
    told = _parser().parse_args(arguments)
    return Options(
        dtypes=dict(_dtype(text) for text in told.dtype),
        revision=told.revision,
        variant=told.variant,
        offload=cast("Offload | None", told.offload),
        compile_mode=told.compile_mode,
        sync=cast("Sync | None", told.sync),
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(
            f"serve.args of a diffusers case: {message}",
            fix=f"There are {self.format_usage().removeprefix('usage: ').strip()}.",
        )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="", add_help=False, allow_abbrev=False)
    parser.add_argument("--dtype", action="append", default=[], metavar="[COMPONENT=]TYPE")
    parser.add_argument("--revision")
    parser.add_argument("--variant")
    parser.add_argument("--offload", choices=_OFFLOADS)
    parser.add_argument("--compile-mode")
    parser.add_argument("--sync", choices=_SYNCS)
    return parser


def _dtype(text: str) -> tuple[str, str]:
    component, is_named, dtype = text.rpartition("=")
    if dtype not in DTYPES or (is_named and not component):
        raise ConfigurationError(
            f"serve.args of a diffusers case: --dtype {text} is no type",
            fix=f"Write {', '.join(DTYPES)}, for one component such as vae=float32.",
        )
    return component or _WHOLE, dtype
