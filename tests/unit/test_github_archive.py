"""An artifact gives its record, or is refused in words: whoever packed it may be a stranger."""

from __future__ import annotations

import io
import stat
import warnings
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.errors import ConfigurationError
from perfgate.github import archive
from perfgate.github.archive import record_text

LINK = stat.S_IFLNK | 0o777
DEVICE = stat.S_IFCHR | 0o600


def packed(*entries, method=zipfile.ZIP_DEFLATED):
    """A zip file of names with contents, and with a Unix mode where that is given."""
    kept = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(kept, "w", method) as out:
        warnings.simplefilter("ignore")  # zipfile doubts some of these names too
        for name, content, *mode in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (mode[0] if mode else stat.S_IFREG | 0o644) << 16
            out.writestr(entry, content, method)
    return kept.getvalue()


def refusal(data):
    with pytest.raises(ConfigurationError) as refused:
        record_text(data)
    assert "docs/forks.md" in refused.value.fix
    return refused.value.problem


def test_record_text__the_record_alone_is_taken():
    data = packed(
        ("record.json", '{"schema": "größe"}'),
        ("decision.json", "green, says the artifact"),
        ("comment.md", "@everyone"),
        ("charts/", "", stat.S_IFDIR | 0o755),
        ("charts/wan.svg", "<svg onload='x'/>"),
    )
    assert record_text(data) == '{"schema": "größe"}'


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (("../../etc/passwd", "x"), "leads out of its folder"),
        (("charts/../../x", "x"), "leads out of its folder"),
        (("/etc/passwd", "x"), "leads out of its folder"),
        (("C:\\windows", "x"), "is no name of a file"),
        (("a\\..\\b", "x"), "is no name of a file"),
        (("C:x", "x"), "is no name of a file"),
        (("line\nbreak", "x"), "is no name of a file"),
        (("a" * 501, "x"), "is no name of a file"),
        (("link", "/etc/passwd", LINK), "is a link or a device"),
        (("device", "", DEVICE), "is a link or a device"),
    ],
)
def test_record_text__one_odd_entry_refuses_all(entry, told):
    assert told in refusal(packed(("record.json", "{}"), entry))


def test_record_text__a_link_called_like_the_record():
    assert "is a link" in refusal(packed(("record.json", "/etc/passwd", LINK)))


def test_record_text__two_records():
    assert "one name" in refusal(packed(("record.json", "{}"), ("record.json", "[]")))
    assert "one name" in refusal(packed(("record.json", "{}"), ("RECORD.json", "[]")))


@pytest.mark.parametrize("name", ["perfgate-out/record.json", "records.json", "record.json/"])
def test_record_text__no_record_at_the_top(name):
    assert "holds no record.json at its top" in refusal(packed((name, "")))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_record_text__unusual_compression(method):
    assert "unusual way" in refusal(packed(("record.json", "{}"), method=method))


def test_record_text__encrypted():
    data = bytearray(packed(("record.json", "{}")))
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= 1
    assert "is encrypted" in refusal(bytes(data))


def test_record_text__not_utf8():
    assert "UTF-8" in refusal(packed(("record.json", b"\xff\xfe")))


def test_record_text__bomb():
    data = packed(("record.json", b"0" * (archive.MAX_RECORD_BYTES + 1)))
    assert len(data) < 100_000
    assert "record.json is larger than" in refusal(data)


def test_record_text__bomb_that_says_it_is_small():
    """The size in the directory is the sender's word: what comes out is cut there, and is wrong."""
    data = bytearray(packed(("record.json", b"0" * (archive.MAX_RECORD_BYTES + 1))))
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = (1000).to_bytes(4, "little")
    assert "no whole zip file" in refusal(bytes(data))


def test_record_text__large_together():
    entry = b"0" * (archive.MAX_UNPACKED_BYTES // 4)
    data = packed(("record.json", "{}"), *((f"{number}.png", entry) for number in range(5)))
    assert "unpacked" in refusal(data)


def test_record_text__too_many_entries():
    entries = [(f"{number}.svg", "") for number in range(archive.MAX_ENTRIES)]
    assert "more than 5000 files" in refusal(packed(("record.json", "{}"), *entries))


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"<html>not found</html>", b"PK\x05\x06" + b"\0" * 18]
)
def test_record_text__no_archive(data):
    refusal(data)


WHOLE = packed(("record.json", '{"schema": "perfgate.record"}'), ("charts/wan.svg", "<svg/>"))


@given(st.data())
def test_record_text__any_damage_is_refused_or_does_not_matter(data):
    """Bytes that are changed, cut or put in between: never anything but a record or a refusal."""
    damaged = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged)))
        end = place + data.draw(st.integers(0, 8))
        damaged[place:end] = data.draw(st.binary(max_size=8))
    try:
        text = record_text(bytes(damaged))
    except ConfigurationError:
        return
    assert isinstance(text, str)


@given(st.binary(max_size=400))
def test_record_text__any_bytes(data):
    with pytest.raises(ConfigurationError):
        record_text(data)
