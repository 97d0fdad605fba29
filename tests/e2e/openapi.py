"""GitHub's official description of its API, and exchanges held against it. No tests."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from tests.e2e import machine
from tests.fakes.github_server import Exchange

PACKAGE, VERSION = "@octokit/openapi", "23.0.2"
_FILE = "package/generated/api.github.com.json"
_HOST = "https://api.github.com"

EXEMPT = {
    r"POST /graphql": "the description covers REST alone; perfgate asks GraphQL for its own login "
    "and for drafts",
    r"POST /repos/.+/issues/\d+/labels": "PyGithub sends a bare list, which GitHub's page allows "
    "and its description does not",
}
"""Exchanges that cannot be checked, as patterns, each with its reason."""
_REFUSALS = (401, 403, 404, 422)
_REF = re.compile(r"(?<=/git/)(refs?/)(.+)")


def fetch(cache: Path) -> Path:
    """The description's file, taken from its npm package once."""
    file = cache / f"github-openapi-{VERSION}.json"
    if file.exists():
        return file
    folder = cache / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    machine.run("npm", "pack", "--silent", f"{PACKAGE}@{VERSION}", cwd=folder)
    (package,) = folder.glob("*.tgz")
    with tarfile.open(package) as archive:
        source = archive.extractfile(_FILE)
        assert source is not None
        part = file.with_suffix(".part")
        part.write_bytes(source.read())
    part.replace(file)
    shutil.rmtree(folder)
    return file


class Description:
    """Checks exchanges; only the paths that were asked for are loaded, which takes no time."""

    def __init__(self, file: Path) -> None:
        self._whole: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        self._apis: dict[str, OpenAPI] = {}

    def problems(self, exchanges: Iterable[Exchange]) -> list[str]:
        """What GitHub would not have been asked, or would not have answered; empty is good."""
        found = []
        for one in exchanges:
            if any(re.fullmatch(known, f"{one.method} {one.path}") for known in EXEMPT):
                continue
            template = self._template(_quoted(one.path))
            if template is None:
                found.append(f"{one.method} {one.path}: GitHub has no such address")
                continue
            found += [f"{one.method} {one.path}: {told}" for told in self._check(one, template)]
        return found

    def _template(self, path: str) -> str | None:
        matches = [
            template
            for template in self._whole["paths"]
            if re.fullmatch(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template)), path)
        ]
        # GitHub's rule: a literal segment wins over a parameter.
        return min(matches, key=lambda template: template.count("{"), default=None)

    def _check(self, one: Exchange, template: str) -> list[str]:
        api = self._api(template)
        request = MockRequest(
            _HOST,
            one.method.lower(),
            _quoted(one.path),
            args={name: values[-1] for name, values in parse_qs(urlsplit(one.url).query).items()},
            data=one.request_body or None,
            content_type=one.request_headers.get("content-type", "application/json"),
        )
        response = MockResponse(
            one.response_body,
            status_code=one.status,
            headers=one.response_headers,
            content_type="application/json",
        )
        checks = [lambda: api.validate_request(request)]
        # What a test ordered instead of an answer is no word of GitHub's.
        if not one.ordered and not self._is_refusal(one, template):
            checks.append(lambda: api.validate_response(request, response))
        told = []
        for check in checks:
            try:
                check()
            except OpenAPIError as error:
                causes = getattr(error.__cause__, "schema_errors", ())
                details = "; ".join(f"{list(each.path)}: {each.message[:200]}" for each in causes)
                told.append(f"{error!s:.200} {error.__cause__!s:.200} {details}")
        return told

    def _is_refusal(self, one: Exchange, template: str) -> bool:
        """Not every refusal is described: one that is not has the words that they all have."""
        described = self._whole["paths"][template].get(one.method.lower(), {}).get("responses", {})
        if str(one.status) in described or one.status not in _REFUSALS:
            return False
        told = json.loads(one.response_body)
        return all(isinstance(told.get(word), str) for word in ("message", "documentation_url"))

    def _api(self, template: str) -> OpenAPI:
        if template not in self._apis:
            document = {**self._whole, "paths": {template: self._whole["paths"][template]}}
            document["servers"] = [{"url": _HOST}]
            self._apis[template] = OpenAPI.from_dict(
                document, config=Config(spec_validator_cls=None)
            )
        return self._apis[template]


def _quoted(path: str) -> str:
    """The path with the slashes of a branch's name quoted: one parameter holds all of it."""
    return _REF.sub(lambda found: found[1] + quote(found[2], safe=""), path)
