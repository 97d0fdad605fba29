"""The noise that every reported figure comes from: no constant of the rule was chosen on it.

The families that :mod:`benchmarks.verdict.families_tuning` has by the same name (low, mid, high)
are what the goals are defined on; "real" drifts otherwise here, and the others are of other sizes
or of other kinds.
"""

from __future__ import annotations

from benchmarks.verdict.noise import Family

SEED = 9_041_177

GAUSSIAN = "mid"
REAL = "mid-real"

FAMILIES: tuple[Family, ...] = (
    Family(name="low", launch=0.003),
    Family(name=GAUSSIAN, launch=0.010),
    Family(name="high", launch=0.030),
    Family(
        name="low-real",
        launch=0.003,
        step_memory=0.7,
        outlier=0.12,
        outlier_share=0.02,
        drift=0.010,
        drift_kind="wave",
    ),
    Family(
        name=REAL,
        launch=0.010,
        step_memory=0.7,
        outlier=0.12,
        outlier_share=0.02,
        drift=0.010,
        drift_kind="wave",
    ),
    Family(
        name="high-real",
        launch=0.030,
        step_memory=0.7,
        outlier=0.12,
        outlier_share=0.02,
        drift=0.010,
        drift_kind="wave",
    ),
    Family(name="clocks-4", launch=0.005, jump=0.04, jump_share=0.50),
    Family(name="clocks-6", launch=0.005, jump=0.06, jump_share=0.30),
    Family(name="clocks-9", launch=0.005, jump=0.09, jump_share=0.20),
    Family(name="clocks-11", launch=0.005, jump=0.11, jump_share=0.35),
    Family(name="clocks-11-rare", launch=0.005, jump=0.11, jump_share=0.12),
    Family(name="clocks-9-that-stay", launch=0.005, jump=0.09, jump_share=0.30, jump_stays=0.7),
    Family(name="rare-mode-8", launch=0.008, jump=0.08, jump_share=0.08),
    Family(name="t3-low", launch=0.005, tail="t3"),
    Family(name="t2.5", launch=0.010, tail="t2.5"),
    Family(name="skew", launch=0.010, tail="lognormal"),
    Family(name="hetero-1.5-high", launch=0.030, head_factor=1.5),
    Family(name="hetero-1.7", launch=0.010, head_factor=1.7),
    Family(name="hetero-2-low", launch=0.003, head_factor=2.0),
    Family(name="drift-3-walk", launch=0.008, drift=0.03, drift_kind="walk"),
    Family(name="outliers-5", launch=0.008, outlier=0.20, outlier_share=0.05),
    Family(name="outliers-8", launch=0.008, outlier=0.10, outlier_share=0.08),
    Family(
        name="mixed",
        launch=0.008,
        tail="exponential",
        head_factor=1.3,
        jump=0.03,
        jump_share=0.10,
        outlier=0.10,
        outlier_share=0.03,
        drift=0.02,
        drift_kind="walk",
    ),
    Family(name="grown-1.4", launch=0.0168, past=Family(name="then", launch=0.012)),
    Family(
        name="grown-1.8-real",
        launch=0.018,
        step_memory=0.7,
        outlier=0.12,
        outlier_share=0.02,
        drift=0.010,
        drift_kind="wave",
        past=Family(name="then", launch=0.010, step_memory=0.7),
    ),
    Family(name="grown-2.5-low", launch=0.010, past=Family(name="then", launch=0.004)),
    Family(name="grown-2.5", launch=0.030, past=Family(name="then", launch=0.012)),
    Family(name="busy-0.4", launch=0.012, tail="t3", busy=0.4),
    Family(
        name="new-clocks-9",
        launch=0.006,
        jump=0.09,
        jump_share=0.30,
        past=Family(name="then", launch=0.006),
    ),
)
