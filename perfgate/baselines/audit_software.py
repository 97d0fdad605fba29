"""Looks for entries of one kind of machine that were measured on different software; no effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from perfgate.baselines.audit import Finding
from perfgate.baselines.audit_native import entry_of, parsed
from perfgate.baselines.native import Baseline
from perfgate.baselines.places import Document


def audit_software(documents: Iterable[Document]) -> list[Finding]:
    """Every entry that differs from the one of its hardware key that was measured last.

    A gate on today's software takes the others for incomparable.
    """
    by_key: dict[str, list[tuple[Document, Baseline]]] = {}
    for document in documents:
        baseline = parsed(document)
        if baseline is not None:
            by_key.setdefault(baseline.hardware_key, []).append((document, baseline))
    return [found for entries in by_key.values() for found in _of_a_machine(entries)]


def _of_a_machine(entries: list[tuple[Document, Baseline]]) -> Iterator[Finding]:
    _, newest = max(entries, key=lambda one: one[1].jobs[-1].date)
    for document, baseline in entries:
        for name in sorted({*baseline.must_match, *newest.must_match}):
            was = baseline.must_match.get(name, "not set")
            now = newest.must_match.get(name, "not set")
            if was != now:
                yield entry_of(document).finding(
                    "warning",
                    ("must_match", name),
                    f"measured with {name} {was}; the newest entry of this machine, "
                    f"{newest.case}, with {now}: measure again",
                    stored=was,
                )
