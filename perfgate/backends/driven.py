"""What backends of frameworks share, those above all that the driver process starts and asks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import perfgate
from perfgate.backends.backend import CannotServeError, Invocation, SideContext
from perfgate.backends.driver.spec import PYTHONPATH_OF_FRAMEWORK, Bounds, Spec
from perfgate.errors import ConfigurationError
from perfgate.suite import Case, Request

_DRIVER = "perfgate.backends.driver"


class FrameworkBackend:
    """A framework is loaded anew by every launch, and is no code of the project under test."""

    proves_imports = False

    def expected_launch_s(self, case: Case) -> float | None:  # noqa: ARG002 - Protocol
        return None

    def server(self, case: Case, side: SideContext) -> NoReturn:  # noqa: ARG002 - Protocol
        raise CannotServeError(
            "a framework is started anew for every launch; write `launch: fresh`"
        )

    def must_import(self, side: SideContext) -> Mapping[str, Path]:  # noqa: ARG002 - Protocol
        return {}


def request_of(case: Case) -> Request:
    """The case's request, which the suite has seen to be there."""
    if case.request is None:
        raise ValueError(f"case {case.id} has no request")
    return case.request


def common(case: Case, side: SideContext, *, report: Path) -> dict[str, Any]:
    """What every :class:`Spec` says alike."""
    return {
        "model": case.model or "",
        "prompt": request_of(case).prompt,
        "python": str(side.python),
        "requests": case.requests,
        "bounds": Bounds(
            load_s=case.timeout.load,
            download_s=case.timeout.download,
            compile_s=case.timeout.compile,
            request_s=case.timeout.request,
        ),
        "parent": os.getpid(),
        "scratch": str(scratch_of(report)),
        "report": str(report),
    }


def scratch_of(report: Path) -> Path:
    """A folder of the launch's own, beside its report."""
    return report.with_suffix(".files")


def invocation(spec: Spec, case: Case, side: SideContext) -> Invocation:
    """The driver's process. What the suite sets reaches the framework, not perfgate's imports."""
    env = {
        **side.env,
        **{name: str(value) for name, value in {**case.env, **case.serve.env}.items()},
    }
    for_framework = env.pop("PYTHONPATH", None)
    if for_framework is not None:
        env[PYTHONPATH_OF_FRAMEWORK] = for_framework
    env["PYTHONPATH"] = str(Path(perfgate.__file__).parents[1])
    command = (sys.executable, "-P", "-m", _DRIVER, spec.model_dump_json(exclude_defaults=True))
    return Invocation(command=command, env=env)


def refuse_own_options(case: Case, own: Iterable[str]) -> None:
    """Raise ConfigurationError where the case's arguments set what perfgate sets."""
    taken = sorted(set(own) & {option_of(word) for word in case.serve.args})
    if taken:
        raise ConfigurationError(
            f"case {case.id}: serve.args sets {', '.join(taken)}, which perfgate sets itself",
            fix="Take it out of serve.args; serve.port, serve.compile, model and request say it.",
        )


def option_of(word: str) -> str:
    """``--some-option`` of an argument, however it is spelt."""
    return word.partition("=")[0].replace("_", "-") if word.startswith("--") else ""


def names_option(case: Case, *options: str) -> bool:
    """Whether the case's arguments set one of ``options``."""
    return not {option_of(word) for word in case.serve.args}.isdisjoint(options)


def image_file(case: Case, side: SideContext) -> Path | None:
    """The request's image where it is a file of the side's tree. Raises ConfigurationError."""
    image = request_of(case).image
    if image is None or is_address(image):
        return None
    path = side.path / image
    if not path.is_file():
        raise ConfigurationError(
            f"case {case.id}: request.image {image} is no file in {side.path}",
            fix="Write a path in the repository, or an http address.",
        )
    return path


def is_address(image: str) -> bool:
    return urlsplit(image).scheme in ("http", "https", "data")
