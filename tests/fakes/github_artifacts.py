"""GitHub's artifacts: listed by run, and fetched from a storage service on another address.

That service knows no token and must see none: it keeps the headers of every request.
"""

from __future__ import annotations

import io
import secrets
import threading
import zipfile
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.fakes import github_documents as documents
from tests.fakes.github_wire import Answer, Request, not_found

_WHEN = "2026-01-01T00:00:00Z"


def packed(files: Mapping[str, bytes | str]) -> bytes:
    """A zip file of these names and contents, as an upload makes it."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
    return kept.getvalue()


def packed_folder(folder: Path) -> bytes:
    """A zip file of a folder's files, hidden ones left out, as an upload makes it."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    names = {path.relative_to(folder): path for path in found}
    return packed(
        {
            name.as_posix(): path.read_bytes()
            for name, path in names.items()
            if not any(part.startswith(".") for part in name.parts)
        }
    )


class Storage:
    """Where the bytes lie: an address of its own, that opens to whoever has it."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def keep(self, data: bytes) -> str:
        """The address of these bytes from now on."""
        path = f"/signed/{secrets.token_hex(8)}"
        self.held[path] = data
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Artifacts:
    """What runs uploaded, by the run's number."""

    def __init__(self, repository: str) -> None:
        self.repository = repository
        self.of_runs: dict[int, list[dict[str, Any]]] = {}
        self._storage: Storage | None = None
        self._data: dict[int, bytes] = {}

    @property
    def storage(self) -> Storage:
        if self._storage is None:
            self._storage = Storage()
        return self._storage

    def add(self, run: int, name: str, data: bytes, *, expired: bool = False) -> int:
        """Another artifact of a run; its number."""
        number = 5000 + len(self._data)
        self._data[number] = data
        self.of_runs.setdefault(run, []).append(
            {"id": number, "name": name, "size_in_bytes": len(data), "expired": expired}
        )
        return number

    def close(self) -> None:
        if self._storage is not None:
            self._storage.close()

    def routes(self, root: str) -> list[tuple[str, str, Callable[[Request], Answer]]]:
        return [
            ("GET", rf"{root}/actions/runs/(\d+)/artifacts", self._list),
            ("GET", rf"{root}/actions/artifacts/(\d+)/zip", self._download),
        ]

    def _list(self, request: Request) -> Answer:
        held = self.of_runs.get(request.number, [])
        size = int(request.query.get("per_page", "30"))
        page = int(request.query.get("page", "1"))
        shown = held[(page - 1) * size : page * size]
        path = f"{request.root}/repos/{self.repository}/actions/runs/{request.number}/artifacts"
        more = page * size < len(held)
        link = {"Link": f'<{path}?per_page={size}&page={page + 1}>; rel="next"'} if more else {}
        found = [documents.artifact(request.root, self.repository, **one) for one in shown]
        return Answer(body={"total_count": len(held), "artifacts": found}, headers=link)

    def _download(self, request: Request) -> Answer:
        held = {one["id"]: one for of_run in self.of_runs.values() for one in of_run}
        found = held.get(request.number)
        if found is None:
            return not_found()
        if found["expired"]:
            return Answer(status=410, body=documents.problem("Artifact has expired"))
        place = self.storage.keep(self._data[request.number])
        return Answer(status=302, headers={"Location": place})


def _handler(storage: Storage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            storage.headers.append({name.lower(): value for name, value in self.headers.items()})
            data = storage.held.get(self.path)
            if data is None:
                self.send_error(404)
                return
            self.send_response(storage.status)
            # No length: whoever fetches it must count for itself.
            self.end_headers()
            try:
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):
                return  # it was more than was wanted

        def log_message(self, *args: object) -> None:
            """Say nothing: the headers are kept."""

    return Handler
