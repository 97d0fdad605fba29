"""Where perfgate was installed from: the repository that its texts name. Asks no network.

A wheel or an index does not say which repository it was built from: then OWNER stays in the texts,
for a person to replace.
"""

from __future__ import annotations

import json
import re
from importlib import metadata
from typing import Final

UNKNOWN: Final = "OWNER/perfgate"
_GITHUB: Final = re.compile(
    r"(?:https://(?:[^@/]*@)?|ssh://git@|git@)github\.com[/:]([\w.-]+)/([\w.-]+?)(?:\.git)?/?"
)


def installed_from() -> str:
    """``account/repository`` on GitHub that pip took this perfgate from, or :data:`UNKNOWN`."""
    try:
        told = metadata.distribution("perfgate").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        told = None
    return repository_of(told)


def repository_of(direct_url: str | None) -> str:
    """The same from the text of ``direct_url.json``.

    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    try:
        told = json.loads(direct_url or "{}")
    except ValueError:
        return UNKNOWN
    url = told.get("url") if isinstance(told, dict) and "vcs_info" in told else None
    match = _GITHUB.fullmatch(url) if isinstance(url, str) else None
    return f"{match[1]}/{match[2]}" if match else UNKNOWN


def schema_address(name: str, repository: str | None = None) -> str:
    """Where editors find the JSON schema ``name``, say ``suite``, of the newest release."""
    where = repository or installed_from()
    return f"https://raw.githubusercontent.com/{where}/v1/schemas/{name}.json"
