"""What a place of result files can do, whatever it is, and how a person names one.

Nothing is ever overwritten: a name is taken once, and only a finished month replaces its files.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

MAX_FILE_BYTES = 32 * 1024 * 1024
"""A larger result file is named and left out: a job's results take some hundred kilobytes."""


class Store(Protocol):
    """Files by name; names are relative, with ``/`` between their parts.

    Every method raises ConfigurationError where the place cannot be read, PublishError where it
    does not take a file.
    """

    @property
    def told(self) -> str:
        """The place as a person named it."""

    def names(self) -> tuple[str, ...]:
        """Every file below ``results/``, in order of their names."""

    def add(self, files: Mapping[str, bytes]) -> tuple[str, ...]:
        """Write those files whose names are free, all or none where the place can; which."""

    def remove(self, names: Collection[str]) -> None:
        """Take files away; one that is not there is gone already."""

    def files(self, names: Collection[str]) -> AbstractContextManager[Path]:
        """A folder in which these files lie by their names, for as long as the block runs."""
