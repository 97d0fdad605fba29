"""Says which part of the suite's false-block rate a job could spend. Decides nothing."""

from __future__ import annotations

from perfgate.records import Share
from perfgate.verdict.wording import count


def share_told(share: Share, false_block: float) -> str:
    """One sentence for a decision about a part; ``false_block`` is that job's own."""
    if not share.judged:
        return f"shard {share.shard} of plan {share.plan}: none of its cases can block"
    return (
        f"shard {share.shard} of plan {share.plan} judges {share.judged} of "
        f"{count(share.of, 'case')}, so that it blocks an innocent change at {share.judged}/"
        f"{share.of} of the whole suite's rate: {100.0 * false_block:.3g} %"
    )
