"""Makes stages and steps of the calls that a pipeline makes. Standard library, knows no pipeline.

A denoising step runs from the end of the step before, or from the first call of a denoiser, to the
end of the scheduler's step. DenoisingStage runs from the first of them to the end of the last: what
that was is only known once something else begins, so that its end is set then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from perfgate.profile.recorder import STEP_PREFIX, StageRecorder
from perfgate.profile.spans import Span

INPUT_VALIDATION: Final = "InputValidationStage"
TEXT_ENCODING: Final = "TextEncodingStage"
IMAGE_ENCODING: Final = "ImageEncodingStage"
IMAGE_VAE_ENCODING: Final = "ImageVAEEncodingStage"
LATENT_PREPARATION: Final = "LatentPreparationStage"
TIMESTEP_PREPARATION: Final = "TimestepPreparationStage"
DENOISING: Final = "DenoisingStage"
DECODING: Final = "DecodingStage"


class Timeline:
    """The stages of one request; the recorder's request has to be open around all of it.

    ``kept`` holds what calls returned, under the name that the output's fingerprint gives it.
    """

    def __init__(self, recorder: StageRecorder) -> None:
        self.recorder: Final = recorder
        self.kept: Final[dict[str, Any]] = {}
        self.steps = 0
        self._open: list[str] = []
        self._denoising: Span | None = None
        self._step: Span | None = None
        self._step_ended: Any = None

    @property
    def within_a_step(self) -> bool:
        """Whether a denoiser was called and the scheduler has not made its step since."""
        return self._step is not None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A stage around a call; part of the step that it is in, or of the same stage around it."""
        if name in self._open:
            yield
            return
        if not self.within_a_step:
            self.leave_denoising()
        self._open.append(name)
        with self.recorder.stage(name):
            yield
        self._open.pop()

    def denoiser_called(self) -> None:
        """A step begins, unless one is open; what other stages call a denoiser for is theirs."""
        if self.within_a_step or self._open:
            return
        if self._denoising is None:
            self._denoising = _entered(self.recorder.stage(DENOISING))
        self._step = _entered(
            self.recorder.stage(f"{STEP_PREFIX}{self.steps}", record_as_step=True)
        )
        if self._step_ended is not None:
            self._step.began = self._step_ended

    def scheduler_stepped(self) -> None:
        """The step ends; a scheduler that steps again without a denoiser's call ends no other."""
        if self._step is None:
            return
        self._step.__exit__(None, None, None)
        self._step_ended = self._step.ended
        self._step = None
        self.steps += 1

    def leave_denoising(self) -> None:
        """DenoisingStage ended with its last step."""
        if self._denoising is None or self.within_a_step:
            return
        self._denoising.__exit__(None, None, None)
        self._denoising.ended = self._step_ended
        self._denoising = self._step_ended = None


def _entered(span: object) -> Span:
    entered = cast("Span", span)
    entered.__enter__()
    return entered
