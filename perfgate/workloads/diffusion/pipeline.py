"""One request from prompt to frames, every stage and step timed. Keeps no state between requests.

The stage names are those of sglang's pipelines, so that its baselines and tools read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from perfgate.profile.recorder import STEP_PREFIX, StageRecorder
from perfgate.workloads.diffusion.attention import chosen_attention
from perfgate.workloads.diffusion.config import PipelineConfig, Request
from perfgate.workloads.diffusion.decoder import Decoder
from perfgate.workloads.diffusion.denoiser import Denoiser, denoiser, draw_transformer
from perfgate.workloads.diffusion.experts import Expert, ExpertSlot
from perfgate.workloads.diffusion.layers import sinusoids
from perfgate.workloads.diffusion.loop import Entry, Phase, denoise
from perfgate.workloads.diffusion.params import validate
from perfgate.workloads.diffusion.placement import ON_CPU, Placement
from perfgate.workloads.diffusion.schedule import sigmas
from perfgate.workloads.diffusion.text import TextEncoder
from perfgate.workloads.diffusion.tokenizer import tokenize
from perfgate.workloads.diffusion.weights import build

INPUT_VALIDATION = "InputValidationStage"
TEXT_ENCODING = "TextEncodingStage"
LATENT_PREPARATION = "LatentPreparationStage"
TIMESTEP_PREPARATION = "TimestepPreparationStage"
DENOISING = "DenoisingStage"
DECODING = "DecodingStage"

EXPERT_LOAD = "ExpertLoadStage"
"""The first expert's weights, which the request before has left overwritten."""
EXPERT_SWITCH = "ExpertSwitchStage"
"""The second expert's weights take the first one's place."""

_TRANSFORMER_SEED_OFFSET = 1
_DECODER_SEED_OFFSET = 2
_SECOND_EXPERT_SEED_OFFSET = 3
"""Each model of a pipeline draws its weights from a seed of its own."""


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

    def __init__(
        self,
        config: PipelineConfig,
        placement: Placement = ON_CPU,
    ) -> None:
        self.config = config
        self.placement = placement
        self.text_encoder = build(
            lambda: TextEncoder(config.text),
            seed=config.weight_seed,
            placement=placement,
            drawn_on=config.weights_drawn_on,
        )
        seed = config.weight_seed + _TRANSFORMER_SEED_OFFSET
        self.experts: ExpertSlot | None = None
        if config.boundary is None:
            transformer = draw_transformer(config, placement, seed=seed)
        else:
            second = config.weight_seed + _SECOND_EXPERT_SEED_OFFSET
            seeds: dict[Expert, int] = {"low_noise": second, "high_noise": seed}
            self.experts = ExpertSlot(config, placement, seeds=seeds)
            transformer = self.experts.transformer
        self.denoiser: Denoiser = denoiser(config, placement, transformer)
        self.decoder = build(
            lambda: Decoder(config.decoder, channels=config.latent_channels),
            seed=config.weight_seed + _DECODER_SEED_OFFSET,
            placement=placement,
            drawn_on=config.weights_drawn_on,
        )
        positions = sinusoids(torch.arange(config.text.tokens), config.text.width)
        self._text_positions = placement.put(positions)

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
                noise = self._noise(config)
                rotary = self.denoiser.rotary(noise.shape)
            with recorder.stage(TIMESTEP_PREPARATION):
                schedule = sigmas(request.steps, shift=config.shift).tolist()
                phases = self._phases(schedule, request, text=text, rotary=rotary)
            told = {"first": 0, "middle": (request.steps - 1) // 2, "last": request.steps - 1}
            with recorder.stage(DENOISING), chosen_attention(config.execution.attention):
                states = denoise(noise, schedule, phases, recorder, keep=told.values())
            with recorder.stage(DECODING):
                frames = self.decoder(states[told["last"]].to(self.placement.dtype))
        latents = tuple(
            (f"latents after the {name} step", states[step]) for name, step in told.items()
        )
        return Generated(frames=frames, text=text, latents=latents)

    @torch.inference_mode()
    def rehearse(self) -> None:
        """One prediction of the preset's request, for what is compiled or captured the first time.

        Its tensors have the shapes, types and places of those that :meth:`generate` makes.
        """
        request = self.config.request
        noise = self._noise(self.config)
        (phase, *_) = self._phases(
            sigmas(request.steps, shift=self.config.shift).tolist(),
            request,
            text=self._encode(request.prompt),
            rotary=self.denoiser.rotary(noise.shape),
        )
        with chosen_attention(self.config.execution.attention):
            phase.predict(noise, 0)

    def _encode(self, prompt: str) -> Tensor:
        """(prompts, tokens, width): the prompt, after the negative one where guidance needs it."""
        config, prompts = self.config.text, [prompt]
        if self.config.guidance_is_batched:
            prompts.insert(0, self.config.negative_prompt)
        ids = [
            tokenize(prompt, vocabulary=config.vocabulary, tokens=config.tokens)
            for prompt in prompts
        ]
        encoded: Tensor = self.text_encoder(
            torch.tensor(ids).to(self.placement.device), self._text_positions
        )
        return encoded

    def _noise(self, config: PipelineConfig) -> Tensor:
        """fp32 whatever the models' type: the loop adds small differences to it."""
        noise = initial_noise(config.latent_shape(), seed=config.request.seed)
        return noise.to(self.placement.device)

    def _phases(
        self, schedule: Sequence[float], request: Request, *, text: Tensor, rotary: Tensor
    ) -> list[Phase]:
        """One phase, or one for each expert that the schedule has steps for."""
        first = self.denoiser.prepared(
            schedule[:-1], text=text, rotary=rotary, guidance=request.guidance
        )
        experts, boundary = self.experts, self.config.boundary
        if experts is None or boundary is None:
            return [Phase(prefix=STEP_PREFIX, steps=range(request.steps), predict=first)]
        switch = sum(sigma >= boundary for sigma in schedule[:-1])
        second = self.denoiser.prepared(
            schedule[:-1], text=text, rotary=rotary, guidance=request.guidance_2
        )
        phases = [
            Phase(
                prefix="high_noise_step_",
                steps=range(switch),
                predict=first,
                entry=Entry(stage=EXPERT_LOAD, run=lambda: experts.load("high_noise")),
            ),
            Phase(
                prefix="low_noise_step_",
                steps=range(switch, request.steps),
                predict=second,
                entry=Entry(stage=EXPERT_SWITCH, run=lambda: experts.load("low_noise")),
            ),
        ]
        return [phase for phase in phases if phase.steps]


def initial_noise(shape: tuple[int, ...], *, seed: int) -> Tensor:
    """Standard normal latents; drawn on the CPU so that every device starts from these."""
    generator = torch.Generator(device="cpu").manual_seed(seed)
    return torch.randn(shape, generator=generator, device="cpu")
