"""A stand-in for ``sglang`` and ``vllm-omni``: a real process, real HTTP, real log lines, no model.

It answers at the endpoints and with the documents of sglang 0.5.23 and vllm-omni 0.30.0, for as far
as perfgate reads them. ``FAKE_FRAMEWORK`` in its environment is a JSON object that says how it
behaves (:class:`Behaviour`). What it was told and asked goes into the folder ``notes``, so that a
test can look at it. The standard library alone, so that it starts quickly.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from dataclasses import dataclass, field, fields
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

FALLBACK = "[11-21 23:20:02] No native pipeline for 'some/model'. Falling back to diffusers backend"
OUT_OF_MEMORY = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total "
    "capacity of 79.11 GiB of which 1.02 GiB is free."
)
RECOMPILE_LIMIT = (
    "W1121 23:20:02.1 torch/_dynamo/convert_frame.py:1358] [8/8] "
    "torch._dynamo hit config.recompile_limit (8)"
)
SLEEPER = "import os, signal, time; {} time.sleep(600)"


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What it does; times in milliseconds.

    ``at_start``, ``at_request`` are lines of its log, ``bar`` is drawn over itself without an end.
    ``leak`` leaves a process in a session of its own behind, which holds the port where that is
    ``"port"``. ``crash`` says when it ends with status 3, ``hang`` when it goes on for ever.
    """

    notes: str
    load_ms: float = 20
    request_ms: float = 30
    healthy_after_ms: float | None = 0
    at_start: tuple[str, ...] = ()
    at_request: tuple[str, ...] = ()
    bar: str = ""
    crash: str = ""
    hang: str = ""
    leak: str = ""
    stubborn: bool = False
    status: int = 200
    body: str = "whole"
    job: str = "completed"
    dump: str = "whole"
    stages: dict[str, float] = field(default_factory=dict)

    def note(self, name: str, document: object) -> None:
        with (Path(self.notes) / f"{name}.jsonl").open("a") as stream:
            stream.write(json.dumps(document) + "\n")

    def reaches(self, moment: str) -> None:
        """Crash or hang here, if that is what it does."""
        if self.crash == moment:
            log("RuntimeError: the device went away")
            os._exit(3)
        if self.hang == moment:
            time.sleep(600)


def behaviour() -> Behaviour:
    said = json.loads(os.environ["FAKE_FRAMEWORK"])
    unknown = set(said) - {one.name for one in fields(Behaviour)}
    if unknown:
        raise SystemExit(f"no such behaviour: {unknown}")
    return Behaviour(**said)


def log(line: str, *, end: str = "\n") -> None:
    sys.stdout.write(line + end)
    sys.stdout.flush()


def png(seed: int, *, side: int = 16) -> bytes:
    """A small grey picture of its seed."""
    rows = b"".join(
        b"\0" + bytes((seed * 7 + row * 13 + column * 3) % 256 for column in range(side))
        for row in range(side)
    )

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return (
            struct.pack(">I", len(content)) + checked + struct.pack(">I", binascii.crc32(checked))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def dump(path: str, total_ms: float, how: str) -> None:
    """What sglang leaves for ``--perf-dump-path`` and the field ``perf_dump_path``."""
    if how == "none":
        return
    steps = [total_ms * 0.2] * 4
    document = {
        "timestamp": "2026-11-21T23:20:02+00:00",
        "request_id": "a-request",
        "commit_hash": "N/A",
        "tag": "server_perf_dump",
        "total_duration_ms": total_ms,
        "steps": [
            {"name": "TextEncodingStage", "duration_ms": total_ms * 0.1},
            {"name": "DenoisingStage", "duration_ms": total_ms * 0.8},
            {"name": "DecodingStage", "duration_ms": total_ms * 0.1},
        ],
        "denoise_steps_ms": [{"step": i, "duration_ms": ms} for i, ms in enumerate(steps)],
        "memory_checkpoints": {"after_DenoisingStage": {"peak_reserved_mb": 2048.0}},
        "meta": {"model": "some/model"},
    }
    text = json.dumps(document, indent=2)
    if how == "endless":
        text = text.replace("2048.0", "1e999")
    Path(path).write_text(text[: len(text) // 2] if how == "half" else text)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, kind: str, acts: Behaviour) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.kind = kind
        self.acts = acts
        self.jobs: dict[str, dict] = {}
        self.began = time.monotonic()
        self.lock = threading.Lock()

    @property
    def healthy(self) -> bool:
        after_ms = self.acts.healthy_after_ms
        return after_ms is not None and (time.monotonic() - self.began) * 1000 >= after_ms


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, text: str, *arguments: object) -> None:
        log(f'INFO:     127.0.0.1 - "{text % arguments}"')

    def log_request(self, code="-", size="-") -> None:
        if not self.path.startswith(("/health", "/v1/videos/")):
            super().log_request(code, size)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/health":
            status = 200 if self.server.healthy else 503
            return self.answer(status, {"status": "ok" if status == 200 else "unhealthy"})
        if path == "/v1/models":
            return self.answer(200, {"object": "list", "data": [{"id": "some/model"}]})
        if path.startswith("/v1/videos/"):
            name = path.removeprefix("/v1/videos/")
            if name.endswith("/content"):
                return self.raw(200, b"\0\0\0\x18ftypisom" + name.encode(), "video/mp4")
            with self.server.lock:
                job = self.server.jobs.get(name)
            return self.answer(200, dict(job)) if job else self.answer(404, {"detail": "not found"})
        return self.answer(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        acts = self.server.acts
        length = int(self.headers.get("Content-Length", 0))
        asked = self.fields(self.rfile.read(length))
        received = time.perf_counter()
        kind = self.headers.get("Content-Type", "").split(";")[0]
        acts.note("requests", {"path": self.path, "type": kind, "fields": asked})
        for line in acts.at_request:
            log(line)
        acts.reaches("request")
        if self.path == "/v1/videos":
            if self.server.kind == "vllm-omni" and kind != "multipart/form-data":
                return self.answer(422, {"detail": "a form is needed"})
            return self.video(asked, received)
        if acts.status != 200:
            return self.answer(acts.status, {"detail": "no such luck"})
        return self.image(asked, received)

    def image(self, asked: dict, received: float) -> None:
        acts = self.server.acts
        took_ms = self.generate(asked, received)
        encoded = base64.b64encode(png(int(asked.get("seed", 0)))).decode()
        document = {"created": 1, "data": [{"b64_json": encoded, "revised_prompt": None}]}
        document |= {"timing": {"ms": took_ms}}  # as some other server might tell it
        if self.server.kind == "sglang":
            document |= {"id": "an-image", "inference_time_s": took_ms / 1000}
            document |= {"peak_memory_mb": 4096.0}
        else:
            durations = {**acts.stages, "stage_0_gen_ms": took_ms}
            document |= {"output_format": "png", "size": asked.get("size")}
            document |= {"metrics": {"stage_durations": durations, "peak_memory_mb": 4096.0}}
        if acts.body == "empty data":
            document["data"] = []
        text = json.dumps(document).encode()
        if acts.body == "half":
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text[: len(text) // 2])
            self.close_connection = True
            return None
        if acts.body == "picture":
            return self.raw(200, png(3), "image/png")
        if acts.body == "no json":
            return self.raw(200, text[: len(text) // 2], "application/json")
        return self.raw(200, text, "application/json")

    def video(self, asked: dict, received: float) -> None:
        acts = self.server.acts
        if acts.status != 200:
            return self.answer(acts.status, {"detail": "no such luck"})
        name = f"video_{len(self.server.jobs)}"
        job = {"id": name, "object": "video", "status": "queued", "progress": 0, "error": None}
        with self.server.lock:
            self.server.jobs[name] = job

        def generate() -> None:
            took_ms = self.generate(asked, received)
            done = {"status": acts.job, "progress": 100, "inference_time_s": took_ms / 1000}
            if acts.job == "failed":
                done["error"] = {"message": "the sampler gave up"}
            with self.server.lock:
                job.update(done)
            acts.note("served", {"ms": (time.perf_counter() - received) * 1000})

        threading.Thread(target=generate, daemon=True).start()
        if acts.body == "no id":
            del job["id"]
        return self.answer(200, dict(job))

    def generate(self, asked: dict, received: float) -> float:
        acts = self.server.acts
        time.sleep(acts.request_ms / 1000)
        took_ms = (time.perf_counter() - received) * 1000
        if "perf_dump_path" in asked and self.server.kind == "sglang":
            dump(asked["perf_dump_path"], took_ms, acts.dump)
        return took_ms

    def fields(self, body: bytes) -> dict:
        """What was asked for, of JSON and of a form alike; of a file its name and length."""
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/"):
            return json.loads(body)
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        found: dict[str, object] = {}
        for part in BytesParser().parsebytes(head + body).get_payload():
            name = part.get_param("name", header="Content-Disposition")
            content = part.get_payload(decode=True)
            file = part.get_filename()
            found[name] = {"file": file, "bytes": len(content)} if file else content.decode()
        return found

    def answer(self, status: int, document: object) -> None:
        self.raw(status, json.dumps(document).encode(), "application/json")

    def raw(self, status: int, body: bytes, kind: str) -> None:
        # A client that was ended while it waited hears nothing any more.
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


def leak(acts: Behaviour, server: Server | None) -> None:
    """Leave a process behind that has left the session and does not end when it is asked to."""
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    held = (server.fileno(),) if server is not None and acts.leak == "port" else ()
    child = subprocess.Popen(
        [sys.executable, "-c", SLEEPER.format(deaf)], start_new_session=True, pass_fds=held
    )
    acts.note("processes", child.pid)


def serve(kind: str, port: int, acts: Behaviour) -> None:
    time.sleep(acts.load_ms / 1000)
    acts.reaches("load")
    server = Server(port, kind, acts)
    if acts.leak:
        leak(acts, server)
    log(f"INFO:     Uvicorn running on http://127.0.0.1:{port} (Press CTRL+C to quit)")
    server.serve_forever()


def generate(dump_path: str, acts: Behaviour) -> None:
    time.sleep(acts.load_ms / 1000)
    acts.reaches("load")
    if acts.leak:
        leak(acts, None)
    for line in acts.at_request:
        log(line)
    acts.reaches("request")
    began = time.perf_counter()
    time.sleep(acts.request_ms / 1000)
    dump(dump_path, (time.perf_counter() - began) * 1000, acts.dump)


def main(kind: str, arguments: list[str]) -> None:
    acts = behaviour()
    acts.note("processes", os.getpid())
    acts.note("commands", {"arguments": arguments, "environment": dict(os.environ)})
    if acts.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    parser = argparse.ArgumentParser(prog=kind)
    parser.add_argument("--port", type=int, default=int(os.environ.get("PERFGATE_PORT", "0")))
    parser.add_argument("--perf-dump-path")
    told, _ = parser.parse_known_args(arguments)
    log("[11-21 23:20:01] Loading checkpoint shards")
    for line in acts.at_start:
        log(line)
    if acts.bar:
        log(f"\r{acts.bar}", end="")
    acts.reaches("start")
    if arguments[:1] == ["generate"]:
        generate(told.perf_dump_path, acts)
    else:
        serve(kind, told.port, acts)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
