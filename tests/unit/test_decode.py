"""What is in an output file: the same pixels however written, and a reason for what is not seen."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy
from PIL import Image

from perfgate.backends.decode import UndecodableError, decodable, decode

RAMP = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)


def only(path):
    (found,) = decode(path)
    return found


def why_not(path):
    with pytest.raises(UndecodableError) as caught:
        list(decode(path))
    return str(caught.value)


def png_of(width, height, *, pixels=b""):
    """A PNG whose header says one size, whatever its pixels are."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )


def npy_saying(shape, kind="<f4", data=b""):
    """An npy file whose header declares a shape that its data need not have."""
    stream = io.BytesIO()
    npy.write_array_header_1_0(stream, {"descr": kind, "fortran_order": False, "shape": shape})
    return stream.getvalue() + data


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".bmp", ".tiff", ".webp"])
def test_images__are_their_pixels(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    Image.fromarray(RAMP).save(path, **({"lossless": True} if suffix == ".webp" else {}))
    found = only(path)
    assert np.array_equal(found.values, RAMP)
    assert found.span == 255.0


def test_jpeg__is_decoded_too(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "out.jpg", quality=95)
    assert only(tmp_path / "out.jpg").values.shape == RAMP.shape


def test_png__written_in_another_way_holds_the_same(tmp_path):
    one, other = tmp_path / "one.png", tmp_path / "other.png"
    Image.fromarray(RAMP).save(one, compress_level=0)
    Image.fromarray(RAMP).quantize(48).save(other)
    pixels = np.asarray(Image.open(other).convert("RGB"))
    Image.fromarray(pixels).save(one, compress_level=0)
    assert one.read_bytes() != other.read_bytes()
    assert np.array_equal(only(one).values, only(other).values)


@pytest.mark.parametrize(
    ("mode", "shape", "span"),
    [
        ("1", (6, 8), 255.0),
        ("L", (6, 8), 255.0),
        ("LA", (6, 8, 2), 255.0),
        ("RGBA", (6, 8, 4), 255.0),
        ("CMYK", (6, 8, 3), 255.0),
        ("I;16", (6, 8), 65535.0),
        ("F", (6, 8), None),
    ],
)
def test_modes__give_a_number_a_channel(tmp_path, mode, shape, span):
    Image.new(mode, (8, 6)).save(tmp_path / "out.tiff")
    found = only(tmp_path / "out.tiff")
    assert (found.values.shape, found.span) == (shape, span)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tiff"])
def test_animations__are_all_their_frames(tmp_path, suffix):
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / f"clip{suffix}", save_all=True, append_images=frames[1:])
    values = only(tmp_path / f"clip{suffix}").values
    assert values.shape == (3, 6, 8, 3)
    assert values[1, 0, 0].argmax() == 1


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "mpeg4"), (".webm", "libvpx")])
def test_videos__are_all_their_frames(tmp_path, suffix, codec):
    av = pytest.importorskip("av")
    path = tmp_path / f"clip{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for level in (0, 120, 240):
            image = np.full((48, 64, 3), level, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    found = only(path)
    assert (found.values.shape, found.span) == ((3, 48, 64, 3), 255.0)
    assert [frame.mean() for frame in found.values] == pytest.approx([0, 120, 240], abs=6)


def test_video__without_the_extra_says_what_to_install(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"whatever")
    script = """
import sys
from pathlib import Path
sys.modules["av"] = None  # as if it were not installed
from perfgate.backends.decode import decode
list(decode(Path("clip.mp4")))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "UndecodableError: decoding it needs pip install 'perfgate[video]'" in done.stderr


def test_video__a_playlist_that_names_other_files_is_not_followed(tmp_path):
    pytest.importorskip("av")
    (tmp_path / "clip.mp4").write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n")
    assert "Invalid data" in why_not(tmp_path / "clip.mp4")


@pytest.mark.parametrize("kind", ["f2", "<f4", ">f8", "i8", "u1", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy__is_the_array(tmp_path, kind, order):
    values = np.array([[0, 1, 1], [1, 0, 0]], dtype=kind, order=order)
    np.save(tmp_path / "out.npy", values)
    found = only(tmp_path / "out.npy")
    assert np.array_equal(found.values, values)
    assert found.values.dtype == values.dtype
    assert found.span is None


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz__is_every_array_by_its_name(tmp_path, save):
    save(tmp_path / "out.npz", latents=np.ones(3), text=np.zeros((2, 2)))
    found = {one.member: one.values.shape for one in decode(tmp_path / "out.npz")}
    assert found == {"latents": (3,), "text": (2, 2)}


def test_text_and_unknown_formats__have_no_decoder(tmp_path):
    assert not any(decodable(tmp_path / name) for name in ("out.json", "out.txt", "out", "x.pkl"))
    assert decodable(tmp_path / "OUT.PNG")


class TestHostile:
    def test_pickled_objects_are_never_loaded(self, tmp_path):
        np.save(tmp_path / "out.npy", np.array([{}]), allow_pickle=True)
        assert why_not(tmp_path / "out.npy") == "its values are object, not real numbers"

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (npy_saying((2**20, 2**20)), "it holds 1099511627776 values; 536870912 are compared"),
            (npy_saying((2**20,)), "its header declares 1048576 values, more than there are"),
            (npy_saying((2,), "<c8"), "its values are complex64, not real numbers"),
            (npy_saying((2,), "<U4"), "its values are <U4, not real numbers"),
            (npy_saying((-2, -2), data=b"\0" * 16), "it cannot be decoded: "),
            (npy_saying((2,))[:-3], "it cannot be decoded: EOF"),
            (npy_saying((2,), data=b"\0"), "it cannot be decoded: "),
            (b"\x93NUMPY\x03\x00" + b"\0" * 64, "its npy version is 3.0"),
            (b"no array", "it cannot be decoded: the magic string is not correct"),
            (b"", "it cannot be decoded: EOF"),
        ],
    )
    def test_npy(self, tmp_path, content, why):
        (tmp_path / "out.npy").write_bytes(content)
        assert why_not(tmp_path / "out.npy").startswith(why)

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"not an image", "it cannot be decoded: cannot identify image file"),
            (png_of(8, 6, pixels=b"\0" * 20), "it cannot be decoded: "),
            (png_of(20_000, 20_000), "it cannot be decoded: Image size (400000000 pixels) exceeds"),
            (png_of(10_000, 10_000), "it cannot be decoded: Image size (100000000 pixels) exceeds"),
            (b"%!PS-Adobe-3.0 EPSF-3.0\n", "it cannot be decoded: cannot identify image file"),
        ],
        ids=["text", "truncated", "bomb", "half a bomb", "another format"],
    )
    def test_images(self, tmp_path, content, why):
        (tmp_path / "out.png").write_bytes(content)
        assert why_not(tmp_path / "out.png").startswith(why)

    def test_an_animation_of_many_large_frames(self, tmp_path):
        frames = [Image.new("RGB", (1, 1), colour) for colour in ("red", "blue")]
        frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:])
        small = (tmp_path / "clip.gif").read_bytes()
        screen = struct.pack("<HH", 9000, 9000)
        (tmp_path / "clip.gif").write_bytes(small[:6] + screen + small[10:])
        assert why_not(tmp_path / "clip.gif").startswith("it holds 648000000 values; 536870912")

    def test_npz_that_unpacks_to_more_than_is_read(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "out.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            for index in range(5):
                archive.writestr(f"{index}.npy", bytes(110 * 2**20))
        assert (tmp_path / "out.npz").stat().st_size < 2**20
        assert why_not(tmp_path / "out.npz").startswith("it unpacks to 576716800 bytes")

    def test_npz_of_many_arrays(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "out.npz", "w") as archive:
            for index in range(65):
                archive.writestr(f"{index}.npy", npy_saying((1,), data=bytes(4)))
        assert why_not(tmp_path / "out.npz") == "it holds 65 arrays; 64 are compared at most"

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_npz_with_two_arrays_of_one_name(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "out.npz", "w") as archive:
            for _ in range(2):
                archive.writestr("a.npy", npy_saying((1,), data=bytes(4)))
        assert why_not(tmp_path / "out.npz") == "two of its arrays have one name"

    def test_a_large_file_is_not_opened(self, tmp_path):
        with (tmp_path / "out.npy").open("wb") as stream:
            stream.truncate(2**29 + 1)
        assert why_not(tmp_path / "out.npy") == (
            "it has 536870913 bytes; 536870912 are decoded at most"
        )
