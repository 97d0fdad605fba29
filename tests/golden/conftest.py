"""Golden files: what is rendered today against what a person has read and found good."""

from __future__ import annotations

from pathlib import Path

import pytest

EXPECTED = Path(__file__).parent / "expected"


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden",
        action="store_true",
        default=False,
        help="rewrite the golden files; read the difference before committing it",
    )


@pytest.fixture
def golden(request):
    """Compare a text with the golden file of that name, or write it there."""

    def check(name: str, text: str) -> None:
        path = EXPECTED / name
        # Absent where this folder was not named on the command line, so that the option is unknown.
        if request.config.getoption("--update-golden", default=False):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        assert path.exists(), f"{path.name} is missing; `make golden` writes it"
        assert text == path.read_text(encoding="utf-8"), "`make golden` takes the new text"

    return check
