"""The Triton kernel of causal_conv1d_update. Imported only where triton is; launched by triton.py.

One program for a row and a block of channels holds z, history and new tokens, in registers as a
block of (columns, channels). Whatever is stored was loaded before, by another thread perhaps, so
that a barrier stands between.
"""

# ruff: noqa: ANN001, ANN201, N803, SIM108 - the signature and the branches are for triton to read
# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False, disallow-untyped-calls=False
# mypy: disallow-incomplete-defs=False, disallow-any-unimported=False

import triton
import triton.language as tl


@triton.jit
def update_kernel(
    x,
    out,
    state,
    weight,
    bias,
    slots,
    numbers,
    pad,
    channels,
    ring,
    x_row,
    x_channel,
    x_token,
    out_row,
    out_channel,
    out_token,
    state_slot,
    state_channel,
    state_column,
    weight_channel,
    weight_tap,
    HISTORY: tl.constexpr,
    ANY_NEGATIVE: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    SILU: tl.constexpr,
    TAPS: tl.constexpr,
    TOKENS: tl.constexpr,
    COLUMNS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """``HISTORY``: 0 the first columns, 1 from the accepted tokens on, 2 in a ring.

    ``COLUMNS`` is the power of two that holds TAPS - 1 + TOKENS. All strides are in values.
    """
    row = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    slot = tl.load(slots + row).to(tl.int64)
    if ANY_NEGATIVE:
        live = slot >= 0
    else:
        live = slot != pad
    inside = channel < tl.where(live, channels, 0)  # a row of padding has none
    column = tl.arange(0, COLUMNS)
    old = column < TAPS - 1
    new = (column >= TAPS - 1) & (column < TAPS - 1 + TOKENS)

    if HISTORY == 2:
        number = tl.load(numbers + row)
        first = (number % ring + ring - (TAPS - 1) % ring) % ring
        from_column = (first + column) % ring
        to_column = from_column
        moved = new
    elif HISTORY == 1:
        from_column = tl.load(numbers + row) - 1 + column
        to_column = column - 1
        moved = (old | new) & (column >= 1)
    else:
        from_column = column
        to_column = column - TOKENS
        moved = (old | new) & (column >= TOKENS)

    of_state = state + slot * state_slot + channel[None, :] * state_channel
    of_x = x + row * x_row + channel[None, :] * x_channel
    history = tl.load(
        of_state + from_column[:, None] * state_column,
        mask=old[:, None] & inside[None, :],
        other=0.0,
    )
    tokens = tl.load(
        of_x + (column - (TAPS - 1))[:, None] * x_token,
        mask=new[:, None] & inside[None, :],
        other=0.0,
    )
    z = tl.where(old[:, None], history, tokens)
    tl.debug_barrier()
    tl.store(
        of_state + to_column[:, None] * state_column,
        z,
        mask=moved[:, None] & inside[None, :],
    )

    values = z.to(tl.float32)
    if HAS_BIAS:
        start = tl.load(bias + channel, mask=inside, other=0.0).to(tl.float32)
    else:
        start = tl.zeros((BLOCK,), dtype=tl.float32)
    for token in tl.static_range(TOKENS):
        tap = column - token
        used = (tap >= 0) & (tap < TAPS)
        taps = tl.load(
            weight + tap[:, None] * weight_tap + channel[None, :] * weight_channel,
            mask=used[:, None] & inside[None, :],
            other=0.0,
        ).to(tl.float32)
        y = start + tl.sum(tl.where(used[:, None], values * taps, 0.0), axis=0)
        if SILU:
            y = y / (1.0 + tl.exp(-y))
        tl.store(
            out + row * out_row + channel * out_channel + token * out_token,
            y.to(out.dtype.element_ty),
            mask=inside,
        )
