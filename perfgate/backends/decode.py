"""Turns an output file into arrays, so that what it holds is compared and not how it was written.

Trusts no file: its size, its number of pixels and what a header declares are held to bounds before
anything is allocated, nothing is unpickled, and only decoders of the format in its name are tried.
Heavy to import: who needs it imports it inside a function.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from PIL import Image

MAX_FILE_BYTES = 512 * 2**20
MAX_VALUES = 2**29
"""Of one array: 81 frames of 1280 by 720 in colour are less than half of it."""
MAX_ARRAYS = 64
"""Of one archive."""
VIDEO_EXTRA = "decoding it needs pip install 'perfgate[video]'"

_IMAGES = {
    ".bmp": "BMP",
    ".gif": "GIF",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
# ffmpeg's name of each container: left to probe, it would open playlists that name other files.
_VIDEOS = {".avi": "avi", ".mkv": "matroska", ".mov": "mov", ".mp4": "mp4", ".webm": "webm"}
_PLAIN_MODES = frozenset({"L", "LA", "RGB", "RGBA", "I", "I;16", "I;16B", "F"})
_SPANS = {np.dtype("u1"): 255.0, np.dtype("u2"): 65535.0}
_REAL = "biuf"
_MAX_TOLD_CHARS = 200


class UndecodableError(ValueError):
    """What the file holds cannot be seen; the text says why and continues "the file …: "."""


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """One array of a file.

    ``member`` is its name in an archive, empty elsewhere. Images are (height, width, channels) or,
    where there are several, (frames, height, width, channels), without channels where they are
    grey. ``span`` is from black to white, None for what is no picture.
    """

    member: str = ""
    values: NDArray[Any]
    span: float | None = None


def decodable(path: Path) -> bool:
    """Whether there is a decoder for the format in the file's name, installed or not."""
    return path.suffix.lower() in _DECODERS


def decode(path: Path) -> Iterator[Decoded]:
    """Every array of a PNG, JPEG, WebP, BMP, TIFF, GIF, npy, npz, MP4, WebM, MKV, MOV or AVI file.

    Pillow reads 16-bit colour as 8-bit, so that less than 1/255 is not seen there. Raises
    UndecodableError for whatever is damaged, too large, or no such file.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise UndecodableError(f"it has {size} bytes; {MAX_FILE_BYTES} are decoded at most")
        yield from _DECODERS[path.suffix.lower()](path)
    except UndecodableError:
        raise
    # A decoder may raise anything over a damaged file: struct.error, SyntaxError, zlib.error …
    except Exception as error:
        told = " ".join(str(error).split())[:_MAX_TOLD_CHARS]
        raise UndecodableError(f"it cannot be decoded: {told or type(error).__name__}") from error


def _image(path: Path) -> Iterator[Decoded]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=[_IMAGES[path.suffix.lower()]]) as image:
            count = getattr(image, "n_frames", 1)
            channels = len(image.getbands()) if image.mode in _PLAIN_MODES else 4
            _hold_to_bounds(image.width * image.height * channels * count)
            frames = []
            for index in range(count):
                image.seek(index)
                frames.append(np.asarray(_plain(image)))
    yield _picture(frames)


def _plain(image: Image.Image) -> Image.Image:
    """The image with a number a channel: palettes and print colours looked up."""
    if image.mode in _PLAIN_MODES:
        return image
    if image.mode == "1":
        return image.convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _video(path: Path) -> Iterator[Decoded]:
    try:
        import av  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise UndecodableError(VIDEO_EXTRA) from error
    frames: list[NDArray[Any]] = []
    values = 0
    with av.open(str(path), format=_VIDEOS[path.suffix.lower()]) as container:
        for frame in container.decode(video=0):
            values += frame.width * frame.height * 3
            _hold_to_bounds(values)
            frames.append(frame.to_ndarray(format="rgb24"))
    yield _picture(frames)


def _picture(frames: list[NDArray[Any]]) -> Decoded:
    if not frames:
        raise UndecodableError("it holds no frame")
    values = frames[0] if len(frames) == 1 else np.stack(frames)
    return Decoded(values=values, span=_SPANS.get(values.dtype.newbyteorder("=")))


def _npy(path: Path) -> Iterator[Decoded]:
    with path.open("rb") as stream:
        yield Decoded(values=_array(stream, size=path.stat().st_size))


def _npz(path: Path) -> Iterator[Decoded]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MAX_ARRAYS:
            raise UndecodableError(
                f"it holds {len(members)} arrays; {MAX_ARRAYS} are compared at most"
            )
        if len({member.filename for member in members}) < len(members):
            raise UndecodableError("two of its arrays have one name")
        total = sum(member.file_size for member in members)
        if total > MAX_FILE_BYTES:
            raise UndecodableError(f"it unpacks to {total} bytes; {MAX_FILE_BYTES} are at most")
        for member in members:
            with archive.open(member) as stream:
                values = _array(stream, size=member.file_size)
            yield Decoded(member=member.filename.removesuffix(".npy")[:100], values=values)


def _array(stream: IO[bytes], *, size: int) -> NDArray[Any]:
    """The array of an npy file of ``size`` bytes; never a Python object."""
    version = npy.read_magic(stream)
    if version not in _HEADERS:
        raise UndecodableError(f"its npy version is {version[0]}.{version[1]}")
    shape, fortran, dtype = _HEADERS[version](stream)
    if dtype.kind not in _REAL:
        raise UndecodableError(f"its values are {dtype}, not real numbers")
    values = math.prod(shape)
    _hold_to_bounds(values)
    if values * dtype.itemsize > size:
        raise UndecodableError(f"its header declares {values} values, more than there are")
    flat = np.frombuffer(stream.read(values * dtype.itemsize), dtype=dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


_HEADERS: dict[tuple[int, int], Callable[[IO[bytes]], tuple[tuple[int, ...], bool, np.dtype[Any]]]]
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def _hold_to_bounds(values: int) -> None:
    if values > MAX_VALUES:
        raise UndecodableError(f"it holds {values} values; {MAX_VALUES} are compared at most")


_DECODERS: dict[str, Callable[[Path], Iterator[Decoded]]] = {
    **dict.fromkeys(_IMAGES, _image),
    **dict.fromkeys(_VIDEOS, _video),
    ".npy": _npy,
    ".npz": _npz,
}
