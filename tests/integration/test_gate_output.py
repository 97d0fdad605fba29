"""A gate over real launches whose outputs are looked at: pictures, scores, and what they permit."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent, indent

import pytest

from tests.repositories import SUITE, Repository, bench, perfgate

# A grey ramp as a PNG, written with the standard library so that any python3 runs it.
PICTURE = dedent(
    """\

    import struct, zlib

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    WIDTH, HEIGHT = 64, 48
    ROWS = b"".join(
        b"\\0" + bytes((x * 3 + y + {shift}) % 256 for x in range(WIDTH)) for y in range(HEIGHT)
    )
    with open("out.png", "wb") as stream:
        stream.write(b"\\x89PNG\\r\\n\\x1a\\n")
        stream.write(chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)))
        stream.write(chunk(b"IDAT", zlib.compress(ROWS, {level})))
        stream.write(chunk(b"IEND", b""))
    """
)
FASTER = {"DenoisingStage": 60.0}


def drawing(*, shift: int = 0, level: int = 9, **stages_ms: float) -> str:
    """A benchmark that leaves a picture; ``shift`` changes its pixels, ``level`` only its bytes."""
    return bench(**stages_ms) + PICTURE.format(shift=shift, level=level)


def suite(*lines: str) -> str:
    return SUITE + indent("\n".join(lines), "    ") + "\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def gated(repository: Repository, head: str, *lines: str) -> tuple[int, dict, str]:
    """Exit code, the case's decision, and what was printed, of ``head`` against the picture."""
    repository.commit("start", bench_py=drawing(), perfgate_yml=suite(*lines))
    repository.commit("change", bench_py=head)
    done = perfgate(repository.path, "gate", "--base", "HEAD~1")
    decision = json.loads((repository.path / "perfgate-out" / "decision.json").read_text())
    assert "Traceback" not in done.stderr
    return done.returncode, decision["cases"][0], done.stdout


OUTPUTS = "outputs: [out.png]"


@pytest.mark.parametrize("stages_ms", [{}, FASTER], ids=["as fast", "a quarter faster"])
def test_another_picture__is_a_changed_output_and_never_faster(
    repository: Repository, stages_ms: dict[str, float]
) -> None:
    code, case, told = gated(repository, drawing(shift=90, **stages_ms), OUTPUTS)
    assert (code, case["verdict"], case["output"]) == (1, "failed", "changed")
    assert case["detail"].startswith("output changed: out.png is where the outputs part: PSNR ")
    assert "improved" not in {metric["verdict"] for metric in case["metrics"]}
    assert "failed: output changed" in told


def test_the_same_picture_in_other_bytes__is_the_same(repository: Repository) -> None:
    code, case, _ = gated(repository, drawing(level=0), OUTPUTS)
    assert (code, case["verdict"], case["output"]) == (0, "passed", "same")
    record = json.loads((repository.path / "perfgate-out" / "record.json").read_text())
    hashes = {
        (launch["side"], launch["output_files"]["out.png"])
        for launch in record["cases"][0]["launches"]
    }
    assert len(hashes) == 2, "the bytes did differ, and each side wrote its own each time"


def test_a_permission_of_base__lets_it_be_faster(repository: Repository) -> None:
    allow = 'allow: {output: "new sampler, reviewed in #12"}'
    code, case, told = gated(repository, drawing(shift=90, **FASTER), OUTPUTS, allow)
    assert (code, case["verdict"], case["output"]) == (0, "improved", "allowed")
    assert "allowed: new sampler, reviewed in #12" in " ".join(told.split())


def test_a_permission_that_head_gives_itself__has_no_effect(repository: Repository) -> None:
    repository.commit("start", bench_py=drawing(), perfgate_yml=suite(OUTPUTS))
    allowed = suite(OUTPUTS, 'allow: {output: "I say so"}')
    repository.commit("change", bench_py=drawing(shift=90), perfgate_yml=allowed)
    done = perfgate(repository.path, "gate", "--base", "HEAD~1")
    assert done.returncode == 1
    assert "changes its own gate" in " ".join(done.stdout.split())


SCORE = "accuracy: {command: cat score.txt, minimum: 0.9}"


@pytest.mark.parametrize(
    ("said", "code", "verdict", "told"),
    [
        ("0.95", 0, "improved", ""),
        ("0.87", 1, "failed", "output changed: accuracy 0.87 is below 0.9"),
        ("none", 1, "failed", "output changed: accuracy is unknown, the score command ended"),
    ],
)
def test_a_score__vouches_for_an_output_that_nothing_else_checks(
    repository: Repository, said: str, code: int, verdict: str, told: str
) -> None:
    repository.file("score.txt", said)
    found, case, _ = gated(repository, bench(**FASTER), SCORE)
    assert (found, case["verdict"]) == (code, verdict)
    assert case["output"] == ("changed" if told else "same")
    assert case["detail"].startswith(told)


def test_nothing_to_check__is_said_in_the_table(repository: Repository) -> None:
    code, case, told = gated(repository, drawing(**FASTER))
    assert (code, case["output"]) == (0, "not checked")
    assert "Output not checked: bench" in told
    comment = (repository.path / "perfgate-out" / "comment.md").read_text()
    assert ", output not checked |" in comment
