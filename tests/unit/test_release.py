"""What a release computes: the doors' lines by digest, and the notes of a version."""

from pathlib import Path

import pytest
import yaml

from release.doors import DOORS, door_named, matrix
from release.errors import ReleaseError
from release.notes import check_version, moving_tag, notes_of
from release.pinning import is_docker_action, pinned, references
from tests.documents import ROOT

DIGESTS = {door.name: f"sha256:{index:064x}" for index, door in enumerate(DOORS)}
DOCKER = "name: x\nruns:\n  using: docker\n  image: ../cuda.Dockerfile # zizmor: ignore[x]\n"
DOCKER_ACTIONS = {
    str(path.relative_to(ROOT)): text
    for pattern in ("action.yml", "*/action.yml", ".github/actions/*/action.yml")
    for path in ROOT.glob(pattern)
    if is_docker_action(text := path.read_text(encoding="utf-8"))
}
CHANGELOG = """\
# Changelog

## Unreleased

### Added

- Something that is not out yet.

## 1.4.0 - 2026-12-01

### Added

- `perfgate plan`.

### Fixed

- A crash.

## 1.3.0

Nothing to say.
"""


def by_dockerfile():
    return references(DIGESTS, repository="Octo/PerfGate")


def test_image__has_the_name_of_its_repository_in_small_letters():
    images = {door.name: door.image("Octo/PerfGate") for door in DOORS}
    assert images["cpu"] == "ghcr.io/octo/perfgate"
    assert images["cuda"] == "ghcr.io/octo/perfgate-cuda"
    assert len(set(images.values())) == len(DOORS)


@pytest.mark.parametrize("wrong", ["perfgate", "octo/perf gate", "https://x/octo/perfgate", ""])
def test_image__of_no_repository(wrong):
    with pytest.raises(ReleaseError, match="owner/name"):
        DOORS[0].image(wrong)


def test_matrix__each_door_with_the_runner_of_its_kind():
    included = matrix()["include"]
    assert [each["door"] for each in included] == [door.name for door in DOORS]
    assert {each["runner"] for each in included if each["door"] == "npu"} == {"ubuntu-24.04-arm"}


def test_door__unknown():
    with pytest.raises(ReleaseError, match="cpu, cuda, npu, publish"):
        door_named("tpu")


def test_pinned__the_image_alone():
    found = pinned(DOCKER, by_dockerfile(), path="cuda/action.yml")
    reference = f"docker://ghcr.io/octo/perfgate-cuda@{DIGESTS['cuda']}"
    assert found == DOCKER.replace("../cuda.Dockerfile # zizmor: ignore[x]", reference)


@pytest.mark.parametrize("path", DOCKER_ACTIONS)
def test_pinned__every_door_of_this_repository(path):
    text = DOCKER_ACTIONS[path]
    found = pinned(text, by_dockerfile(), path=path)
    was, now = yaml.safe_load(text), yaml.safe_load(found)
    image = now["runs"].pop("image")
    assert image.startswith("docker://ghcr.io/octo/perfgate")
    assert image.endswith(DIGESTS[Path(path).parent.name or "cpu"])
    del was["runs"]["image"]
    assert now == was
    lines = zip(text.splitlines(), found.splitlines(), strict=True)
    assert len([1 for before, after in lines if before != after]) == 1


@pytest.mark.parametrize(
    "text",
    [
        DOCKER.replace("../cuda.Dockerfile", "../tpu.Dockerfile"),
        DOCKER.replace("../cuda.Dockerfile", "docker://ghcr.io/octo/perfgate:1"),
        DOCKER.replace("  image", "image"),
        DOCKER + "  image: Dockerfile\n",
    ],
)
def test_pinned__no_line_or_several(text):
    with pytest.raises(ReleaseError, match=r"cuda/action\.yml: [02] lines"):
        pinned(text, by_dockerfile(), path="cuda/action.yml")


def test_docker_actions__are_told_from_others():
    assert {"action.yml", "cuda/action.yml", "npu/action.yml"} <= DOCKER_ACTIONS.keys()
    assert "host/action.yml" not in DOCKER_ACTIONS
    assert is_docker_action(DOCKER)
    assert not is_docker_action(DOCKER.replace("docker", "composite"))


@pytest.mark.parametrize(
    ("digests", "told"),
    [
        ({**DIGESTS, "tpu": DIGESTS["cpu"]}, "tpu"),
        ({name: text for name, text in DIGESTS.items() if name != "npu"}, "npu"),
        ({**DIGESTS, "cuda": "sha256:12"}, "cuda: 'sha256:12'"),
        ({**DIGESTS, "cuda": DIGESTS["cuda"] + "\nx"}, "cuda"),
    ],
)
def test_references__of_digests_that_do_not_fit(digests, told):
    with pytest.raises(ReleaseError, match=told):
        references(digests, repository="octo/perfgate")


def test_notes__the_section_of_the_version():
    assert notes_of("1.4.0", CHANGELOG) == (
        "### Added\n\n- `perfgate plan`.\n\n### Fixed\n\n- A crash.\n"
    )


@pytest.mark.parametrize("version", ["1.5.0", "1.4", "4.0"])
def test_notes__of_a_version_that_is_not_there(version):
    with pytest.raises(ReleaseError, match="0 headings"):
        notes_of(version, CHANGELOG)


def test_notes__twice():
    with pytest.raises(ReleaseError, match="2 headings"):
        notes_of("1.4.0", CHANGELOG + "\n## 1.4.0\n\n- Again.\n")


def test_notes__empty():
    with pytest.raises(ReleaseError, match="says nothing"):
        notes_of("1.3.0", CHANGELOG)


@pytest.mark.parametrize(
    ("version", "tag"),
    [("1.4.0", "v1"), ("12.0.3", "v12"), ("0.2.0", "v0"), ("1.4.0rc1", None)],
)
def test_moving_tag(version, tag):
    assert moving_tag(version) == tag


@pytest.mark.parametrize("wrong", ["v1.4.0", "1.4", "1.4.0; id", "01.4.0", "1.4.0-rc1", ""])
def test_version__no_version(wrong):
    with pytest.raises(ReleaseError, match="is no version"):
        moving_tag(wrong)


def test_version__is_the_packages_own():
    check_version("1.4.0", '__version__ = "1.4.0"\n')
    with pytest.raises(ReleaseError, match=r"says 1\.4\.0, not 1\.5\.0"):
        check_version("1.5.0", '__version__ = "1.4.0"\n')
