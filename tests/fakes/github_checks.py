"""GitHub's check runs: made finished, found by commit and name, annotated bit by bit.

Refuses what GitHub refuses: a token without the right, a commit that is none, too long a summary,
too many annotations at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.fakes import github_documents as documents
from tests.fakes.github_wire import Answer, Request, invalid, not_found

_SUMMARY_LIMIT_BYTES = 65_535
_MOST_AT_ONCE = 50
_TITLE_CHARS = 255
_MESSAGE_BYTES = 64 * 1024
_CONCLUSIONS = ("success", "failure", "neutral")
_LEVELS = ("notice", "warning", "failure")
_WHEN = "2026-01-01T00:00:00Z"


class Checks:
    """The check runs of one repository; ``granted`` is whether the token may write them."""

    def __init__(self, repository: str, *, number: Callable[[], int]) -> None:
        self.repository = repository
        self.granted = True
        self.page_limit = 100
        self.runs: list[dict[str, Any]] = []
        self._number = number

    def named(self, name: str) -> list[dict[str, Any]]:
        return [run for run in self.runs if run["name"] == name]

    def routes(self, root: str) -> list[tuple[str, str, Callable[[Request], Answer]]]:
        return [
            ("POST", rf"{root}/check-runs", self._create),
            ("PATCH", rf"{root}/check-runs/(\d+)", self._update),
            ("GET", rf"{root}/commits/([0-9a-f]{{40}})/check-runs", self._list),
        ]

    def _create(self, request: Request) -> Answer:
        if not self.granted:
            return _refused()
        asked = request.json()
        if not re.fullmatch("[0-9a-f]{40}", asked.get("head_sha", "")):
            return invalid("No commit found for SHA")
        if asked.get("status") == "completed" and asked.get("conclusion") not in _CONCLUSIONS:
            return invalid("conclusion is missing or unknown")
        if told := _wrong(asked.get("output")):
            return invalid(told)
        run = {
            "id": self._number(),
            "name": asked["name"],
            "head_sha": asked["head_sha"],
            "external_id": asked.get("external_id", ""),
            "details_url": asked.get("details_url", f"{request.root}/{self.repository}"),
            "status": asked.get("status", "queued"),
            "conclusion": asked.get("conclusion"),
            "title": None,
            "summary": None,
            "annotations": [],
        }
        self.runs.append(run)
        _take_over(run, asked.get("output"))
        return Answer(status=201, body=self._document(request, run))

    def _update(self, request: Request) -> Answer:
        if not self.granted:
            return _refused()
        run = next((one for one in self.runs if one["id"] == request.number), None)
        if run is None:
            return not_found()
        asked = request.json()
        if told := _wrong(asked.get("output")):
            return invalid(told)
        _take_over(run, asked.get("output"))
        return Answer(body=self._document(request, run))

    def _list(self, request: Request) -> Answer:
        name = request.query.get("check_name")
        found = [
            one
            for one in self.runs
            if one["head_sha"] == request.groups[0] and name in (None, one["name"])
        ]
        if request.query.get("filter", "latest") == "latest":
            found = list({one["name"]: one for one in found}.values())
        size = min(int(request.query.get("per_page", "30")), self.page_limit)
        page = int(request.query.get("page", "1"))
        shown = found[(page - 1) * size : page * size]
        more = page * size < len(found)
        url = f"{request.root}/repos/{self.repository}/commits/{request.groups[0]}/check-runs"
        link = f'<{url}?page={page + 1}&per_page={size}&check_name={name}&filter=all>; rel="next"'
        return Answer(
            body={
                "total_count": len(found),
                "check_runs": [self._document(request, one) for one in shown],
            },
            headers={"Link": link} if more else {},
        )

    def _document(self, request: Request, run: dict[str, Any]) -> dict[str, Any]:
        url = f"{request.root}/repos/{self.repository}/check-runs/{run['id']}"
        same = ("id", "name", "head_sha", "external_id", "details_url", "status", "conclusion")
        return {
            **{field: run[field] for field in same},
            "node_id": f"CR_{run['id']}",
            "url": url,
            "html_url": f"{request.root}/{self.repository}/runs/{run['id']}",
            "started_at": _WHEN,
            "completed_at": _WHEN if run["conclusion"] else None,
            "output": {
                "title": run["title"],
                "summary": run["summary"],
                "text": None,
                "annotations_count": len(run["annotations"]),
                "annotations_url": f"{url}/annotations",
            },
            "check_suite": {"id": 5},
            "app": None,
            "pull_requests": [],
        }


def _take_over(run: dict[str, Any], output: dict[str, Any] | None) -> None:
    if output is not None:
        run.update(title=output["title"], summary=output["summary"])
        run["annotations"] += output.get("annotations", [])


def _wrong(output: dict[str, Any] | None) -> str:
    """What GitHub would not take of an output."""
    if output is None:
        return ""
    if not output.get("title") or not output.get("summary"):
        return "title and summary are needed"
    if len(output["summary"].encode()) > _SUMMARY_LIMIT_BYTES:
        return "summary exceeds a maximum bytesize of 65535"
    annotations = output.get("annotations", [])
    if len(annotations) > _MOST_AT_ONCE:
        return "No more than 50 items are allowed"
    for one in annotations:
        good = (
            one["path"]
            and 1 <= one["start_line"] <= one["end_line"]
            and one["annotation_level"] in _LEVELS
            and len(one["title"]) <= _TITLE_CHARS
            and 0 < len(one["message"].encode()) <= _MESSAGE_BYTES
        )
        if not good:
            return "an annotation is invalid"
    return ""


def _refused() -> Answer:
    return Answer(status=403, body=documents.problem("Resource not accessible by integration"))
