"""How a branch's store logs in where its repository's clone does, seen by a real HTTP server."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from perfgate.errors import ConfigurationError
from perfgate.history.opening import open_store
from perfgate.history.remote import with_settings

TOKEN = "ghs_the_token"


class Server(ThreadingHTTPServer):
    seen: list[str | None]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Refuse(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.seen.append(self.headers.get_all("Authorization"))
        self.send_error(403)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Refuse) as server:
        server.seen = []
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def names(folder: Path, address: str, *settings: tuple[str, str], **environ: str) -> str:
    """Ask a store of that remote for its files; what it was refused with."""
    env = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **environ,
    }

    def git(*arguments: str) -> None:
        subprocess.run(("git", *arguments), cwd=folder, env=env, check=True)

    git("init", "--quiet")
    git("remote", "add", "origin", address)
    for key, value in settings:
        git("config", key, value)
    (folder / "scratch").mkdir()
    store = open_store("branch:data", start=folder, environ=env, scratch=folder / "scratch")
    with pytest.raises(ConfigurationError) as raised:
        store.names()
    return str(raised.value)


def basic(token: str) -> str:
    return "basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode()


def test_what_the_checkout_logs_in_with_is_used_once(tmp_path: Path, server: Server) -> None:
    key = f"http.{server.address}/.extraheader"
    header = f"AUTHORIZATION: {basic('of the checkout')}"

    said = names(
        tmp_path,
        f"{server.address}/o/r",
        (key, header),
        GITHUB_TOKEN=TOKEN,
        GITHUB_SERVER_URL=server.address,
    )

    assert server.seen == [[basic("of the checkout")]]
    assert "403" in said


def test_credentials_in_a_file_that_the_checkout_includes_are_found(
    tmp_path: Path, server: Server
) -> None:
    included = tmp_path / "credentials.config"
    included.write_text(
        f'[http "{server.address}/"]\n\textraheader = AUTHORIZATION: {basic("included")}\n'
    )

    names(
        tmp_path,
        f"{server.address}/o/r",
        (f"includeIf.gitdir:{tmp_path}/.git.path", str(included)),
    )

    assert server.seen == [[basic("included")]]


def test_a_clone_without_credentials_uses_the_token(tmp_path: Path, server: Server) -> None:
    said = names(
        tmp_path,
        f"{server.address}/o/r",
        GITHUB_TOKEN=TOKEN,
        GITHUB_SERVER_URL=server.address,
    )

    assert server.seen == [[basic(TOKEN)]]
    assert TOKEN not in said


def test_the_token_goes_to_no_other_server(tmp_path: Path, server: Server) -> None:
    names(
        tmp_path,
        f"{server.address}/o/r",
        GITHUB_TOKEN=TOKEN,
        GITHUB_SERVER_URL="http://127.0.0.1:1",
    )

    assert server.seen == [None]


def test_settings_come_after_those_that_are_given() -> None:
    given = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"}

    assert with_settings(given, [("d.e", "f")]) == {
        **given,
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_1": "d.e",
        "GIT_CONFIG_VALUE_1": "f",
    }
