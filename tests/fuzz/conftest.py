"""How much is tried: hypothesis' usual hundred in `make test`, far more in `make fuzz`."""

from __future__ import annotations

from hypothesis import settings

from tests.fuzz.counted import EXAMPLES

settings.register_profile("fuzz", max_examples=2_000, print_blob=True)


def pytest_terminal_summary(terminalreporter):
    """Say how many examples were run, which hypothesis itself does not add up."""
    if EXAMPLES:
        total = sum(EXAMPLES.values())
        terminalreporter.write_line(f"fuzz: {total:,} examples in {len(EXAMPLES)} tests")
