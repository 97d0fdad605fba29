"""Files that cannot be written are told as such, whatever the system calls it."""

import pytest

from perfgate.app.keeping.kept_files import is_key, write_whole
from perfgate.errors import ConfigurationError


def test_a_file_in_the_way__is_told(tmp_path):
    (tmp_path / "folder").write_text("none")
    place = tmp_path / "folder" / "h100.json"
    with pytest.raises(ConfigurationError, match=r"h100\.json cannot be written") as caught:
        write_whole(place, "{}")
    assert caught.value.fix


@pytest.mark.parametrize("key", ["", ".", "..", "../x", "a/b", "a\\b", "x" * 201, "ключ", "a\n"])
def test_what_is_no_part_of_a_path__is_no_key(key):
    assert not is_key(key)
