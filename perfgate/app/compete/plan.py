"""What a contest will cost before it is spent, in device minutes. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from perfgate.app.compete.contest import Contest


def plan_lines(
    contest: Contest, *, launch_s: Mapping[str, float | None], budget_min: float | None
) -> list[str]:
    """Every cell in the order of its first launch, and what they come to together.

    ``launch_s`` is how long a launch of an entry should take, by its key; None is not known.
    """
    count = contest.repeats
    lines, expected_s, worst_s = [], 0.0, 0.0
    for entry in contest.entries:
        guess_s, most_s = launch_s.get(entry.key), entry.case.launch_timeout_s()
        known = "not known" if guess_s is None else f"expected {count * guess_s / 60:.1f}"
        lines.append(
            f"{entry.key}: {_launches(count)}, device minutes: {known}, "
            f"worst {count * most_s / 60:.0f}"
        )
        expected_s += count * (guess_s or 0.0)
        worst_s += count * most_s
    lines += [
        f"{cell.case} · {cell.framework}: cannot run: {cell.failures[0].text}"
        for cell in contest.impossible
    ]
    all_known = all(launch_s.get(entry.key) is not None for entry in contest.entries)
    expected = f"expected {expected_s / 60:.1f}" if all_known else "expected: not known"
    worst_min = worst_s / 60
    bound = "no budget" if budget_min is None else f"budget {budget_min:.0f}"
    worst_min = worst_min if budget_min is None else min(worst_min, budget_min)
    total = _launches(count * len(contest.entries))
    cases = len({case for case, _ in contest.cells})
    lines.append(
        f"plan: {cases} case{'' if cases == 1 else 's'}, {len(contest.cells)} cells, {total}; "
        f"device minutes: {expected}, worst {worst_min:.0f} ({bound})"
    )
    return lines


def _launches(count: int) -> str:
    return "1 launch" if count == 1 else f"{count} launches"
