"""What a launch left in its output files: hashes, summaries, and reasons for what is not seen."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from perfgate.backends.outputs import read_outputs, stamps
from perfgate.backends.reports import ReportError

RAMP = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)


@pytest.fixture
def left(tmp_path):
    """What is read after ``write`` was called on each name."""

    def read(**files):
        names = [name.replace("_", ".") for name in files]
        before = stamps(names, tmp_path)
        for name, write in zip(names, files.values(), strict=True):
            write(tmp_path / name)
        return read_outputs(before, tmp_path)

    return read


def picture(pixels, **options):
    return lambda path: Image.fromarray(pixels).save(path, **options)


def text(words):
    return lambda path: path.write_text(words)


def test_pictures__are_told_by_hash_and_content(left):
    one = left(out_png=picture(RAMP, compress_level=0))
    other = left(out_png=picture(RAMP, compress_level=9))
    assert one.hashes["out.png"] != other.hashes["out.png"]
    assert one.summaries == other.summaries
    (summary,) = one.summaries
    assert (summary.name, summary.shape, summary.span) == ("out.png", (6, 8, 3), 255.0)
    assert summary.mean == RAMP.mean()


def test_archives__name_each_of_their_arrays(left):
    found = left(
        out_npz=lambda path: np.savez(path, latents=np.ones(3), text=np.zeros(2)),
        out_npy=lambda path: np.save(path, np.ones(5)),
    )
    names = [summary.name for summary in found.summaries]
    assert names == ["out.npz: latents", "out.npz: text", "out.npy"]


def test_text__is_told_by_its_hash_alone(left):
    found = left(out_json=text("{}"), out_txt=text("words"))
    assert set(found.hashes) == {"out.json", "out.txt"}
    assert (found.summaries, found.undecoded) == ((), {})


def test_what_cannot_be_decoded__keeps_its_hash_and_tells_why(left):
    found = left(
        out_png=text("no picture"),
        out_npy=lambda path: np.save(path, np.array([np.nan])),
        fine_bmp=picture(RAMP),
    )
    assert set(found.hashes) == {"out.png", "out.npy", "fine.bmp"}
    assert [summary.name for summary in found.summaries] == ["fine.bmp"]
    assert set(found.undecoded) == {"out.png", "out.npy"}
    assert found.undecoded["out.npy"] == "it holds a value that is not finite"


def test_a_file_that_was_there_before__is_not_this_launchs(left, tmp_path):
    (tmp_path / "out.txt").write_text("earlier")
    with pytest.raises(ReportError, match=r"out\.txt is an older file"):
        left(out_txt=lambda path: None)
    with pytest.raises(ReportError, match=r"out\.png was not written"):
        left(out_png=lambda path: None)


def test_what_is_no_file__was_not_written(left, tmp_path):
    with pytest.raises(ReportError, match=r"out\.png was not written"):
        left(out_png=os.mkfifo)
