"""One request from prompt to frames, every stage and step timed. Keeps no state between requests.

The stage names are those of sglang's pipelines, so that its baselines and tools read them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from perfgate.profile.recorder import STEP_PREFIX, StageRecorder
from perfgate.workloads.diffusion.config import PipelineConfig, Request
from perfgate.workloads.diffusion.decoder import Decoder
from perfgate.workloads.diffusion.denoiser import denoiser
from perfgate.workloads.diffusion.presets import validate
from perfgate.workloads.diffusion.schedule import euler_step, sigmas
from perfgate.workloads.diffusion.text import TextEncoder
from perfgate.workloads.diffusion.tokenizer import tokenize
from perfgate.workloads.diffusion.weights import build

INPUT_VALIDATION = "InputValidationStage"
TEXT_ENCODING = "TextEncodingStage"
LATENT_PREPARATION = "LatentPreparationStage"
TIMESTEP_PREPARATION = "TimestepPreparationStage"
DENOISING = "DenoisingStage"
DECODING = "DecodingStage"

_DECODER_SEED_OFFSET = 2


class Predict(Protocol):
    """The velocity of latents at a noise level; all else of the request is bound."""

    def __call__(self, latents: Tensor, /, *, sigma: float) -> Tensor: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Generated:
    """A request's result with what tells where two runs part ways, in order of execution.

    ``frames`` is (1, 3, frames, height, width) in 0 … 1. ``latents`` are those after the first, the
    middle and the last step.
    """

    frames: Tensor
    text: Tensor
    latents: tuple[tuple[str, Tensor], ...]


class Pipeline:
    """The models of a preset, loaded once; :meth:`generate` serves one request."""

    def __init__(self, config: PipelineConfig) -> None:
        self.config = config
        self.text_encoder = build(lambda: TextEncoder(config.text), seed=config.weight_seed)
        self.denoiser = denoiser(config)
        self.decoder = build(
            lambda: Decoder(config.decoder, channels=config.latent_channels),
            seed=config.weight_seed + _DECODER_SEED_OFFSET,
        )

    @torch.inference_mode()
    def generate(self, request: Request, recorder: StageRecorder) -> Generated:
        """Serve ``request``; the same one gives the same bits each time."""
        with recorder.request():
            with recorder.stage(INPUT_VALIDATION):
                config = replace(self.config, request=request)
                validate(config)
            with recorder.stage(TEXT_ENCODING):
                text = self._encode(request.prompt)
            with recorder.stage(LATENT_PREPARATION):
                noise = initial_noise(config.latent_shape(), seed=request.seed)
                rotary = self.denoiser.rotary(noise)
            with recorder.stage(TIMESTEP_PREPARATION):
                schedule = sigmas(request.steps, shift=self.config.shift).tolist()
            with recorder.stage(DENOISING):
                predict = partial(
                    self.denoiser.velocity, text=text, rotary=rotary, guidance=request.guidance
                )
                states = denoise(noise, schedule, predict, recorder)
            with recorder.stage(DECODING):
                frames = self.decoder(states[-1])
        middle = (len(states) - 1) // 2
        told = (("first", 0), ("middle", middle), ("last", len(states) - 1))
        latents = tuple((f"latents after the {name} step", states[index]) for name, index in told)
        return Generated(frames=frames, text=text, latents=latents)

    def _encode(self, prompt: str) -> Tensor:
        """(prompts, tokens, width): the prompt, after the negative one where guidance needs it."""
        config, prompts = self.config.text, [prompt]
        if self.config.guidance_is_batched:
            prompts.insert(0, self.config.negative_prompt)
        ids = [
            tokenize(prompt, vocabulary=config.vocabulary, tokens=config.tokens)
            for prompt in prompts
        ]
        encoded: Tensor = self.text_encoder(torch.tensor(ids))
        return encoded


def initial_noise(shape: tuple[int, ...], *, seed: int) -> Tensor:
    """Standard normal latents; drawn on the CPU so that every device starts from these."""
    generator = torch.Generator(device="cpu").manual_seed(seed)
    return torch.randn(shape, generator=generator, device="cpu")


def denoise(
    latents: Tensor, schedule: list[float], predict: Predict, recorder: StageRecorder
) -> list[Tensor]:
    """The latents after each step; no state is copied or changed in place."""
    states: list[Tensor] = []
    for index, (sigma, sigma_next) in enumerate(pairwise(schedule)):
        with recorder.stage(f"{STEP_PREFIX}{index}", record_as_step=True):
            velocity = predict(latents, sigma=sigma)
            latents = euler_step(latents, velocity, sigma=sigma, sigma_next=sigma_next)
        states.append(latents)
    return states
