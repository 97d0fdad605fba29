"""What is measured and what is decided, as frozen values with versioned JSON. Imports no effect.

Schema history, every document:
    1  first version

A record holds raw samples only; every figure that people read is derived from it elsewhere.
Unknown keys are ignored on reading within one version, so that a newer patch release can add some.
"""

from __future__ import annotations

from perfgate.records.decided import (
    SEVERITY,
    Accepted,
    CaseDecision,
    Cost,
    Decision,
    MetricDecision,
    Part,
    Problem,
    Split,
    Verdict,
)
from perfgate.records.measured import (
    MAX_HISTORY,
    Accuracy,
    CaseRecord,
    Conditions,
    EqualGates,
    Fingerprint,
    GatePolicy,
    Launch,
    Origin,
    OutputFingerprint,
    Record,
    Report,
    Side,
    Stage,
    TensorSummary,
    Tree,
)
from perfgate.records.planned import MAX_LABEL_CHARS, CaseInPlan, FleetPlan, Label, Shard
from perfgate.records.results import (
    Cell,
    Failure,
    FailureKind,
    JobRun,
    Measured,
    Results,
)
from perfgate.records.share import Share
from perfgate.records.text import (
    parse_decision,
    parse_plan,
    parse_record,
    parse_results,
    to_json,
)
from perfgate.records.value import (
    CASE_ID,
    Finite,
    NonNegative,
    PositiveMs,
    Value,
    first_problem,
)

__all__ = [
    "CASE_ID",
    "MAX_HISTORY",
    "MAX_LABEL_CHARS",
    "SEVERITY",
    "Accepted",
    "Accuracy",
    "CaseDecision",
    "CaseInPlan",
    "CaseRecord",
    "Cell",
    "Conditions",
    "Cost",
    "Decision",
    "EqualGates",
    "Failure",
    "FailureKind",
    "Fingerprint",
    "Finite",
    "FleetPlan",
    "GatePolicy",
    "JobRun",
    "Label",
    "Launch",
    "Measured",
    "MetricDecision",
    "NonNegative",
    "Origin",
    "OutputFingerprint",
    "Part",
    "PositiveMs",
    "Problem",
    "Record",
    "Report",
    "Results",
    "Shard",
    "Share",
    "Side",
    "Split",
    "Stage",
    "TensorSummary",
    "Tree",
    "Value",
    "Verdict",
    "first_problem",
    "parse_decision",
    "parse_plan",
    "parse_record",
    "parse_results",
    "to_json",
]
