"""Plants ten changes in clones of this commit, and asks `perfgate explain` for the cause of each.

    python -m benchmarks.explain [--captures 7] [--only NAME] [--write FILE] [--keep FOLDER]

Each is a whole `perfgate explain` of `wan-tiny` over a clone, base against a head with real other
work in it. A cause is found where the first row names it: an operator or module that the planted
lines call, in their stage, with the kind of evidence that such a change leaves. The change that
changes nothing is right without any row.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.planting import Plant, clone_with, plant
from perfgate.files import write_atomically
from perfgate.records.explained import ExplainedCase, ExplainedRow, parse_explanation
from perfgate.report.explanation import told_row
from perfgate.verdict.trace_calls import STEP

CASE = "wan_t2v_tiny"
SUITE = "perfgate-explain.yml"
PARAMS = "{steps: 4, frames: 5, height: 32, width: 32}"
"""Small, since what is asked is the cause and not its size."""
SUITE_TEXT = f"""version: 1
name: explain
cases:
  - {{id: {CASE}, backend: builtin, preset: wan-tiny, params: {PARAMS}, requests: 1}}
"""
TEXT_ENCODING, DENOISING, DECODING = (
    f"{name}Stage" for name in ("TextEncoding", "Denoising", "Decoding")
)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A change, the lines that make it, and how its cause is known in the first row."""

    name: str
    is_cause: Callable[[ExplainedRow], bool]
    plants: tuple[Plant, ...] = ()


def calls_of(stage: str, *names: str) -> Callable[[ExplainedRow], bool]:
    """Another number of calls of one of ``names`` in the stage."""

    def is_cause(row: ExplainedRow) -> bool:
        return row.kind == "calls" and row.stage == stage and row.path[-1:] in ends

    ends = {(name,) for name in names}
    return is_cause


def _at(file: str, place: str, text: str) -> tuple[Plant, ...]:
    return (Plant(file=f"perfgate/workloads/diffusion/{file}.py", at=place, text=text),)


_IN_A_STEP = "                latents = euler_step(\n"
PLANTED = (
    Planted(
        name="an extra cast",
        plants=_at(
            "transformer",
            "        x = x + gate_a * attended\n",
            "        attended = attended.to(torch.float64).to(torch.float32)\n",
        ),
        is_cause=calls_of(DENOISING, "aten::to", "aten::_to_copy"),
    ),
    Planted(
        name="a clone in the loop",
        plants=_at("loop", _IN_A_STEP, "                latents = latents.clone()\n"),
        is_cause=calls_of(DENOISING, "aten::clone"),
    ),
    Planted(
        name="a lost fusion (GELU as its formula)",
        plants=_at(
            "layers",
            "        hidden: Tensor = self.leave(functional.gelu(",
            "        x = self.enter(x)\n"
            "        inner = 0.7978845608 * (x + 0.044715 * x * x * x)\n"
            "        return self.leave(0.5 * x * (1.0 + torch.tanh(inner)))\n",
        ),
        is_cause=calls_of(DENOISING, "aten::gelu", "aten::mul", "aten::add", "aten::tanh"),
    ),
    Planted(
        name="a doubled guidance call",
        plants=_at(
            "denoiser",
            "            unconditional, conditional = both.to(torch.float32).chunk(2)\n",
            "            latents = latents.to(self.placement.dtype)\n"
            "            latents = latents.expand(2, -1, -1, -1, -1)\n"
            "            twice = times[step : step + 1].expand(2, -1)\n"
            "            both = self.forward(latents, twice, text, rotary)\n",
        ),
        is_cause=calls_of(DENOISING, "CrossTransformer"),
    ),
    Planted(
        name="a slower scheduler step",
        plants=_at(
            "schedule",
            "    return x + (sigma_next - sigma) * velocity\n",
            "    sum(index * index for index in range(50_000))\n",
        ),
        is_cause=lambda row: (row.kind, row.stage, row.path) == ("time", DENOISING, (STEP,)),
    ),
    Planted(
        name="a decoder tile change (all frames at once to one by one)",
        plants=_at(
            "decoder",
            "        if not 0 < self.chunk < latents.shape[2]:\n",
            "        self.chunk = 1\n",
        ),
        is_cause=lambda row: (
            row.kind == "calls" and row.stage == DECODING and row.path[:1] == ("Decoder",)
        ),
    ),
    Planted(
        name="attention fallback (to the plain products)",
        plants=_at(
            "pipeline",
            "            with recorder.stage(DENOISING), chosen_attention(",
            '            plain = replace(config.execution, attention="math")\n'
            "            config = replace(config, execution=plain)\n",
        ),
        is_cause=calls_of(
            DENOISING,
            "aten::_scaled_dot_product_attention_math",
            "aten::_scaled_dot_product_flash_attention_for_cpu",
        ),
    ),
    Planted(
        name="a sync in the loop",
        plants=_at("loop", _IN_A_STEP, "                latents.sum().item()\n"),
        is_cause=calls_of(DENOISING, "aten::item", "aten::sum"),
    ),
    Planted(
        name="a larger sequence (64 to 128 tokens of text)",
        plants=_at(
            "presets",
            "_TINY_VIDEO_DECODER = ",
            "_TINY_TEXT = TextConfig(\n"
            "    vocabulary=4096, tokens=128, width=256, heads=4, layers=8, hidden=1024\n)\n",
        ),
        is_cause=lambda row: (
            row.kind == "shapes" and row.stage == TEXT_ENCODING and "128" in row.shapes_head
        ),
    ),
    Planted(name="nothing", is_cause=lambda row: False),  # noqa: ARG005 - any row is a false one
)


def main(arguments: Sequence[str]) -> int:
    """Explain every change, and print the table; 1 where fewer than nine causes are found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captures", type=int, default=7)
    parser.add_argument("--only", default="", help="changes whose name holds this")
    parser.add_argument("--write", type=Path, help="append what was seen to this document")
    parser.add_argument("--keep", type=Path, help="keep each explanation.json in this folder")
    options = parser.parse_args(arguments)
    began = os.getloadavg()[0]
    found: list[tuple[Planted, ExplainedCase]] = []
    for planted in PLANTED:
        if options.only not in planted.name:
            continue
        case = explained(planted, captures=options.captures, keep=options.keep)
        found.append((planted, case))
        sys.stderr.write(f"{planted.name}: {'right' if is_right(planted, case) else 'wrong'}\n")
    loads = f"{began:.1f} before, {os.getloadavg()[0]:.1f} after"
    text = told(found, captures=options.captures, loads=loads)
    sys.stdout.write(text)
    if options.write:
        earlier = options.write.read_text(encoding="utf-8") if options.write.exists() else ""
        write_atomically(options.write, earlier + "\n" + text)
    wrong = sum(not is_right(planted, case) for planted, case in found)
    return 0 if wrong <= 1 else 1


def explained(planted: Planted, *, captures: int, keep: Path | None) -> ExplainedCase:
    """What a user is told of the change."""
    with tempfile.TemporaryDirectory(prefix="perfgate-explain-") as scratch:
        clone = clone_with(Path(scratch, "clone"), {SUITE: SUITE_TEXT})
        plant(clone, planted.plants)
        asked = ("--case", CASE, "--base", "HEAD~1", "--suite", SUITE, "--json")
        command = [sys.executable, "-m", "perfgate", "explain", "--captures", str(captures), *asked]
        done = subprocess.run(command, cwd=clone, check=False, stdout=subprocess.PIPE, text=True)
        if keep is not None:
            name = "-".join(planted.name.partition(" (")[0].split())
            write_atomically(keep / f"{name}.json", done.stdout)
        (case,) = parse_explanation(done.stdout, source="the explanation").cases
        return case


def is_right(planted: Planted, case: ExplainedCase) -> bool:
    """Whether the first row names the cause; where nothing was planted, whether there is none."""
    if case.problem:
        return False
    if not planted.plants:
        return not case.rows
    return bool(case.rows) and planted.is_cause(case.rows[0])


def told(found: Sequence[tuple[Planted, ExplainedCase]], *, captures: int, loads: str) -> str:
    """The table as Markdown."""
    right = sum(is_right(planted, case) for planted, case in found)
    how = (
        f"`make bench-explain`, {os.cpu_count()} cores (load average of a "
        f"minute {loads}), `wan-tiny` with {PARAMS[1:-1]}, {captures} captures of each side: "
        f"{right} of {len(found)} right."
    )
    rows = [
        f"## Causes found by `perfgate explain`, {datetime.now(UTC):%Y-%m-%d}",
        "",
        how,
        "",
        "| planted | first row | change | rows | hidden | right |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for planted, case in found:
        first, change = "none", ""
        if case.problem:
            first = case.problem
        elif case.rows:
            row = told_row(case.rows[0])
            first, change = f"{row.what}; {row.where}; {row.calls} calls", row.change
        answer = "yes" if is_right(planted, case) else "**no**"
        rows.append(
            f"| {planted.name} | {first} | {change} | {len(case.rows)} | {case.hidden} | {answer} |"
        )
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
