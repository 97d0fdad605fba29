"""Many files of a commit in one call of git: each as the commit has it, and none that it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfgate.errors import ConfigurationError
from perfgate.sides.git import open_repository
from tests.repositories import Repository, environment


def test_texts_of_a_commit(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "mon modèle")
    repository.file("baselines/h100/a case.json", "{}\n")
    repository.file("baselines/h100/扩散.json", "é\r\nno end of line")
    repository.file("empty", "")
    commit = repository.commit("start")
    repository.file("empty", "not any more")
    git = open_repository(repository.path, environment())
    names = ["baselines/h100/扩散.json", "nowhere", "baselines", "empty", "two\nlines"]
    found = git.texts_at(commit, [*names, "baselines/h100/a case.json"])
    assert found == {
        "baselines/h100/扩散.json": "é\nno end of line",
        "empty": "",
        "baselines/h100/a case.json": "{}\n",
    }
    assert found["empty"] == git.file_at(commit, "empty")
    assert git.texts_at(commit, []) == {}


def test_texts_where_there_is_no_repository_any_more(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "project")
    commit = repository.commit("start", a="1")
    git = open_repository(repository.path, environment())
    (repository.path / ".git").rename(tmp_path / "gone")
    with pytest.raises(ConfigurationError, match="cat-file"):
        git.texts_at(commit, ["a"])
