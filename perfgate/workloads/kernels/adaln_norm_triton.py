"""The Triton kernel of RMS norm and adaLN modulation. Imported only where triton is.

One program for a token: all of its channels are in registers, read once and written once.
"""

# ruff: noqa: ANN001, ANN201, N803 - the signature and the branches are for triton to read
# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False, disallow-untyped-calls=False
# mypy: disallow-incomplete-defs=False, disallow-any-unimported=False

import triton
import triton.language as tl
from torch import Tensor


def launch(
    x: Tensor, weight: Tensor, shift: Tensor, scale: Tensor, output: Tensor, *, eps: float
) -> None:
    """Fill ``output`` from x of (B, T, D), weight of (D), shift and scale of (B, 1, D)."""
    batch, tokens, channels = x.shape
    norm_kernel[(batch * tokens,)](
        x,
        weight,
        shift,
        scale,
        output,
        eps,
        tokens,
        channels,
        *x.stride(),
        *output.stride(),
        weight.stride(0),
        shift.stride(0),
        shift.stride(2),
        scale.stride(0),
        scale.stride(2),
        BLOCK=triton.next_power_of_2(channels),
    )


@triton.jit
def norm_kernel(
    x,
    weight,
    shift,
    scale,
    output,
    eps,
    tokens,
    channels,
    x_batch,
    x_token,
    x_channel,
    output_batch,
    output_token,
    output_channel,
    weight_channel,
    shift_batch,
    shift_channel,
    scale_batch,
    scale_channel,
    BLOCK: tl.constexpr,
):
    """One token of one batch; strides in values."""
    program = tl.program_id(0).to(tl.int64)
    batch = program // tokens
    token = program % tokens
    channel = tl.arange(0, BLOCK)
    inside = channel < channels
    of_x = x + batch * x_batch + token * x_token + channel * x_channel
    values = tl.load(of_x, mask=inside, other=0.0).to(tl.float32)
    mean = tl.sum(values * values, axis=0) / channels
    normed = values / tl.sqrt(mean + eps)
    gain = tl.load(weight + channel * weight_channel, mask=inside, other=0.0).to(tl.float32)
    of_shift = shift + batch * shift_batch + channel * shift_channel
    of_scale = scale + batch * scale_batch + channel * scale_channel
    moved = tl.load(of_shift, mask=inside, other=0.0).to(tl.float32)
    scaled = 1.0 + tl.load(of_scale, mask=inside, other=0.0).to(tl.float32)
    of_output = output + batch * output_batch + token * output_token + channel * output_channel
    tl.store(of_output, (normed * gain * scaled + moved).to(output.dtype.element_ty), mask=inside)
