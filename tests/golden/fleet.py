"""The decision of a suite on many runners, told in golden files. No tests."""

from __future__ import annotations

from perfgate.records import Cost, Decision, Part, Split
from tests.factories import a_case_decision
from tests.golden.machine import MACHINE, quick, slower_decoding, told


def many_runners() -> Decision:
    """Four shards on two kinds of machines: one found something slower, one never came back."""
    npu, h100 = "ascend-910b-x1", MACHINE
    slower = slower_decoding(hardware_key=h100)
    lost = a_case_decision(
        "hunyuan_video",
        "missing",
        [],
        pairs=0,
        detail="shard h100-2 left no record",
        sentence="shard h100-2 left no record",
    )
    cases = [
        slower,
        lost,
        quick("flux_1_dev", 7010, hardware_key=h100),
        quick("qwen_image", 9840, hardware_key=npu),
        quick("sd3_medium", 3120, hardware_key=npu),
    ]
    parts = (("h100-1", h100, 2, 20), ("npu-1", npu, 1, 9), ("npu-2", npu, 1, 9))
    split = Split(
        plan="3f6c0d2a9b18e475",
        shards=4,
        judged=5,
        false_block=0.01,
        parts=tuple(
            Part(
                shard=shard,
                hardware_key=key,
                judged=judged,
                cases=judged,
                cost=Cost(launches=launches, device_minutes=0.6 * launches),
            )
            for shard, key, judged, launches in parts
        ),
    )
    return told(
        cases,
        hardware_key="several",
        told={"torch": "2.13.0"},
        cost=Cost(launches=38, device_minutes=22.8),
        split=split,
    )
