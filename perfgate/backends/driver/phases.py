"""How long a framework may download, compile and load: each second counts for one of them. Pure."""

from __future__ import annotations

from perfgate.backends.driver.log_watch import Phase
from perfgate.backends.driver.spec import Bounds
from perfgate.backends.failures import FrameworkError
from perfgate.records.results import FailureKind


class Phases:
    """Charges time to what the framework is busy with; ``bounds`` says how much each may take."""

    def __init__(self, bounds: Bounds, *, now_s: float) -> None:
        self._bounds_s: dict[Phase, float] = {
            "load": bounds.load_s,
            "download": bounds.download_s,
            "compile": bounds.compile_s,
        }
        self.spent_s: dict[Phase, float] = dict.fromkeys(self._bounds_s, 0.0)
        self._since_s = now_s

    def charge(self, phase: Phase, *, now_s: float) -> None:
        """Count the time since the last call for ``phase``.

        Raises FrameworkError where that has taken longer than it may: loading as
        :attr:`FailureKind.UNHEALTHY`, the others as :attr:`FailureKind.TIMEOUT`.
        """
        self.spent_s[phase] += now_s - self._since_s
        self._since_s = now_s
        bound_s = self._bounds_s[phase]
        if self.spent_s[phase] <= bound_s:
            return
        told = f"took longer than timeout.{phase} of {bound_s:g} s"
        if phase == "load":
            raise FrameworkError(FailureKind.UNHEALTHY, f"loading {told}")
        raise FrameworkError(FailureKind.TIMEOUT, f"{phase} {told}")
