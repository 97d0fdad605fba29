"""The causal decoder from latents to frames, as in Wan's video autoencoder; an image is one frame.

Causal in time (Yu et al. 2024, MAGVIT-v2, section 3.2): a frame depends on no later latent frame,
so that f latent frames give 1 + stride * (f - 1) frames and one gives one. It has no encoder.

A long video is decoded a few latent frames at a time, which bounds the memory: each convolution
keeps the last frames of its input for the next chunk, so that the result is that of one pass.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from perfgate.workloads.diffusion.config import DecoderConfig
from perfgate.workloads.diffusion.layers import rms_norm

_COLOURS = 3


class Decoder(nn.Module):
    """(batch, latent channels, f, rows, columns) to colours in 0 … 1."""

    def __init__(self, config: DecoderConfig, *, channels: int) -> None:
        super().__init__()
        first, last = config.channels[0], config.channels[-1]
        self.enter = CausalConv(channels, first, size=3)
        self.middle = nn.Sequential(
            ResidualBlock(first, first), FrameAttention(first), ResidualBlock(first, first)
        )
        levels: list[nn.Module] = []
        pairs = zip(config.channels, config.channels[1:], strict=False)
        for (inputs, outputs), (time, space) in zip(pairs, config.upsampling, strict=True):
            if time == 2:
                levels.append(TimeUpsample(inputs))
            if space == 2:
                levels.append(SpaceUpsample(inputs))
            levels.append(ResidualBlock(inputs, outputs))
        self.levels = nn.Sequential(*levels)
        self.norm = ChannelNorm(last)
        self.leave = CausalConv(last, _COLOURS, size=3)
        self.chunk = config.chunk

    def forward(self, latents: Tensor) -> Tensor:
        """(batch, 3, 1 + time stride * (f - 1), space stride * rows, space stride * columns)."""
        if not 0 < self.chunk < latents.shape[2]:
            return self._decoded(latents)
        convolutions = [module for module in self.modules() if isinstance(module, CausalConv)]
        for convolution in convolutions:
            convolution.begin()
        chunks = [self._decoded(chunk) for chunk in torch.split(latents, self.chunk, dim=2)]
        for convolution in convolutions:
            convolution.end()
        return torch.cat(chunks, dim=2)

    def _decoded(self, latents: Tensor) -> Tensor:
        x = self.levels(self.middle(self.enter(latents)))
        x = self.leave(functional.silu(self.norm(x)))
        colours: Tensor = (0.5 + 0.5 * x).clamp(0.0, 1.0)
        return colours


class CausalConv(nn.Module):
    """A 3-D convolution that pads time on the left only; the shape stays.

    Between :meth:`begin` and :meth:`end` an input goes on where the one before ended: ``past`` are
    that one's last frames, which stand in place of the padding.
    """

    def __init__(self, inputs: int, outputs: int, *, size: int, space: int | None = None) -> None:
        super().__init__()
        space = size if space is None else space
        self.history = size - 1
        self.around = (space // 2, space // 2, space // 2, space // 2)
        self.convolve = nn.Conv3d(inputs, outputs, kernel_size=(size, space, space))
        self.chunked = False
        self.past: Tensor | None = None

    def begin(self) -> None:
        """The next input is the first chunk of a video."""
        self.chunked, self.past = True, None

    def end(self) -> None:
        """The next input is a whole video."""
        self.chunked, self.past = False, None

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, f, rows, columns) to (batch, outputs, f, rows, columns)."""
        missing = self.history if self.past is None else 0
        if self.past is not None:
            x = torch.cat((self.past, x), dim=2)
        padded = functional.pad(x, (*self.around, missing, 0))
        if self.chunked and self.history:
            self.past = self._last_frames(x)
        convolved: Tensor = self.convolve(padded)
        return convolved

    def _last_frames(self, x: Tensor) -> Tensor:
        """The last ``history`` frames, copied, with zeros before a video that is yet shorter."""
        short = max(0, self.history - x.shape[2])
        return functional.pad(x[:, :, -self.history :], (0, 0, 0, 0, short, 0)).clone()


class ChannelNorm(nn.Module):
    """RMSNorm over the channels of each place, which mixes no two frames."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = rms_norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, f, rows, columns) to the same."""
        normed: Tensor = self.norm(x.movedim(1, -1)).movedim(-1, 1)
        return normed


class ResidualBlock(nn.Module):
    """Two norm, SiLU and convolution rounds beside a shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first_norm = ChannelNorm(inputs)
        self.first = CausalConv(inputs, outputs, size=3)
        self.second_norm = ChannelNorm(outputs)
        self.second = CausalConv(outputs, outputs, size=3)
        self.shortcut = nn.Identity() if inputs == outputs else CausalConv(inputs, outputs, size=1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, f, rows, columns) to (batch, outputs, f, rows, columns)."""
        y = self.first(functional.silu(self.first_norm(x)))
        y = self.second(functional.silu(self.second_norm(y)))
        added: Tensor = self.shortcut(x) + y
        return added


class FrameAttention(nn.Module):
    """Single-head attention among the places of one frame; frames do not see each other."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.qkv = CausalConv(channels, 3 * channels, size=1)
        self.output = CausalConv(channels, channels, size=1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, f, rows, columns) to the same."""
        # (batch, frames, places, 3 * channels)
        places = self.qkv(self.norm(x)).flatten(3).permute(0, 2, 3, 1)
        query, key, value = places.chunk(3, dim=-1)
        attended = functional.scaled_dot_product_attention(query, key, value)
        folded: Tensor = self.output(attended.permute(0, 3, 1, 2).reshape(x.shape))
        return x + folded


class TimeUpsample(nn.Module):
    """f frames to 2f - 1: each becomes two, and the first, which has no past, stays one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.widen = CausalConv(channels, 2 * channels, size=3, space=1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, f, rows, columns) to (batch, channels, 2f - 1, rows, columns).

        To 2f frames for a chunk that is not the first.
        """
        begins = self.widen.past is None
        both = torch.stack(self.widen(x).chunk(2, dim=1), dim=3)
        doubled: Tensor = both.flatten(2, 3)
        return doubled[:, :, 1:] if begins else doubled


class SpaceUpsample(nn.Module):
    """Rows and columns doubled by repetition, then a 3 x 3 convolution in each frame."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolve = CausalConv(channels, channels, size=1, space=3)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, f, rows, columns) to (batch, channels, f, 2 * rows, 2 * columns)."""
        larger = functional.interpolate(x, scale_factor=(1.0, 2.0, 2.0), mode="nearest")
        convolved: Tensor = self.convolve(larger)
        return convolved
