"""The noise that the rule's constants may be chosen on; no figure that is reported comes from it.

:mod:`benchmarks.verdict.families_reporting` holds other kinds, other sizes and another seed.
"""

from __future__ import annotations

from benchmarks.verdict.noise import Family

SEED = 5_180_221

FAMILIES: tuple[Family, ...] = (
    Family(name="low", launch=0.003),
    Family(name="mid", launch=0.010),
    Family(name="high", launch=0.030),
    Family(
        name="low-real",
        launch=0.003,
        step_memory=0.6,
        outlier=0.10,
        outlier_share=0.02,
        drift=0.010,
    ),
    Family(
        name="mid-real",
        launch=0.010,
        step_memory=0.6,
        outlier=0.10,
        outlier_share=0.02,
        drift=0.010,
    ),
    Family(name="jump-5", launch=0.004, jump=0.05, jump_share=0.40),
    Family(name="jump-7", launch=0.004, jump=0.07, jump_share=0.25),
    Family(name="jump-10", launch=0.005, jump=0.10, jump_share=0.15),
    Family(name="jump-13", launch=0.003, jump=0.13, jump_share=0.30),
    Family(name="rare-mode-6", launch=0.006, jump=0.06, jump_share=0.06),
    Family(name="t3", launch=0.010, tail="t3"),
    Family(name="skew", launch=0.010, tail="exponential"),
    Family(name="hetero-1.6", launch=0.010, head_factor=1.6),
    Family(name="low-hetero-1.8", launch=0.004, head_factor=1.8),
    Family(name="outliers-6", launch=0.008, outlier=0.15, outlier_share=0.06),
    Family(
        name="mixed",
        launch=0.010,
        tail="t3",
        head_factor=1.3,
        outlier=0.08,
        outlier_share=0.03,
        drift=0.02,
    ),
    Family(name="grown-1.5", launch=0.015, past=Family(name="then", launch=0.010)),
    Family(name="grown-2", launch=0.016, past=Family(name="then", launch=0.008)),
    Family(name="grown-3", launch=0.030, past=Family(name="then", launch=0.010)),
    Family(name="busy", launch=0.010, busy=0.5),
    Family(
        name="new-jump-7",
        launch=0.005,
        jump=0.07,
        jump_share=0.25,
        past=Family(name="then", launch=0.005),
    ),
)
