"""Backend ``diffusers``: a diffusers pipeline in the framework's own environment, timed outside."""

from __future__ import annotations

import os
from pathlib import Path

from perfgate.backends.backend import Invocation, SideContext
from perfgate.backends.driven import FrameworkBackend, image_file
from perfgate.errors import ConfigurationError
from perfgate.suite import Case
from perfgate.workloads import pipelines
from perfgate.workloads.pipelines.options import parse_options
from perfgate.workloads.pipelines.spec import Limits, Spec

_START = Path(pipelines.__file__).with_name("start.py")


class DiffusersBackend(FrameworkBackend):
    """Starts the side's interpreter, which has torch and diffusers, on perfgate's own runner."""

    def check(self, case: Case) -> None:
        parse_options(case.serve.args)
        if case.devices > 1:
            raise ConfigurationError(
                f"case {case.id}: backend diffusers runs on one device, and devices is "
                f"{case.devices}",
                fix="Leave devices out, or run it with backend: command and your own script.",
            )

    def invocation(self, case: Case, side: SideContext, *, report: Path) -> Invocation:
        if not side.python.exists():
            raise ConfigurationError(
                f"case {case.id}: there is no interpreter {side.python}",
                fix="Make the environment with frameworks.diffusers.setup, or with setup.",
            )
        image_file(case, side)
        threads = str(case.threads or len(os.sched_getaffinity(0)))
        env = {
            **side.env,
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            **{name: str(value) for name, value in (case.env | case.serve.env).items()},
        }
        command = (str(side.python), "-P", str(_START), _spec(case, side, report).to_json())
        return Invocation(command=command, env=env)


def _spec(case: Case, side: SideContext, report: Path) -> Spec:
    request = case.request.model_dump(mode="json", exclude_none=True) if case.request else {}
    return Spec(
        case=case.id,
        model=case.model or "",
        request=request,
        requests=case.requests,
        compile=case.serve.compile,
        options=parse_options(case.serve.args),
        device=side.device,
        limits=Limits(
            download_s=case.timeout.download,
            load_s=case.timeout.load,
            compile_s=case.timeout.compile,
            request_s=case.timeout.request,
        ),
        report=report,
    )
