"""README and docs/ say what is there: links, anchors, options, suites, workflows, pages."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest
import yaml

from perfgate.errors import ExitCode
from perfgate.suite import parse_suite
from tests.documents import (
    ONLY_READ,
    PAGES,
    ROOT,
    Fence,
    anchors,
    fences,
    links,
    page,
    prose,
    spans,
)
from tests.shell_blocks import commands, every_option, options, parse

# What the documents name of other programs, by the program; `perfgate` has none of these.
FOREIGN = {
    "docker": {"--gpus", "--ipc"},
    "GitHub's runner": {"--ephemeral"},
    "perfgate's runner of diffusers pipelines, in serve.args": {
        "--compile-mode",
        "--dtype",
        "--offload",
        "--revision",
        "--sync",
        "--variant",
    },
    "sglang": {"--enable-torch-compile", "--num-gpus", "--warmup-mode"},
    "vllm-omni": {"--enable-diffusion-pipeline-profiler", "--enforce-eager", "--host", "--port"},
}
FRAMEWORKS = ("diffusers", "sglang", "vllm-omni", "server")
LANGUAGES = {"csv", "diff", "json", "python", "sh", "text", "yaml"}
# What developers read: nothing in it is run, but what it names has to be there.
BESIDE = ("CONTRIBUTING.md", "tests/README.md", "CHANGELOG.md")
FENCES = [fence for name in PAGES for fence in fences(name)]
WORKFLOW_SCHEMAS = {"jobs": "vendor.github-workflows", "runs": "vendor.github-actions"}


def of(*languages: str) -> list[object]:
    """The blocks in these languages as parameters of a test, each named by its place."""
    return [pytest.param(each, id=each.place) for each in FENCES if each.language in languages]


def _of_github(key: str) -> list[tuple[Fence, str]]:
    """The workflows (``jobs``) or actions (``runs``) of all pages; bare steps get a job."""
    found = []
    for fence in FENCES:
        content = yaml.safe_load(fence.text) if fence.language == "yaml" else None
        if isinstance(content, dict) and key in content:
            found.append((fence, fence.text))
        elif key == "jobs" and isinstance(content, list) and {"uses", "run"} & content[0].keys():
            job = {"runs-on": "ubuntu-latest", "timeout-minutes": 5, "steps": content}
            found.append((fence, yaml.safe_dump({"on": "push", "jobs": {"steps": job}})))
    return found


@pytest.mark.parametrize("name", [*PAGES, *BESIDE])
def test_links__lead_somewhere(name: str) -> None:
    for link in links(name):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https", link
            continue
        target = ((ROOT / name).parent / parts.path).resolve() if parts.path else ROOT / name
        assert target.exists(), f"{name} links to {link}, which is not there"
        if parts.fragment:
            told = anchors(str(target.relative_to(ROOT)))
            assert parts.fragment in told, f"{name} links to {link}; there are {sorted(told)}"


@pytest.mark.parametrize("name", PAGES)
def test_headings__begin_with_one_title_and_skip_no_level(name: str) -> None:
    levels = [len(marks) for marks in re.findall(r"^(#+) ", prose(name), flags=re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_readme__leads_to_every_page() -> None:
    found, ahead = set(), {"README.md"}
    while ahead:
        name = ahead.pop()
        found.add(name)
        paths = {urlsplit(link).path for link in links(name) if not urlsplit(link).scheme}
        near = {os.path.normpath(Path(name).parent / path) for path in paths if path}
        ahead |= {each for each in near if each.endswith(".md")} - found
    assert not set(PAGES) - found, "no way leads there from README, over other pages either"


def test_messages__name_pages_that_there_are() -> None:
    named = {
        found
        for path in (ROOT / "perfgate").rglob("*.py")
        for found in re.findall(r"docs/[\w-]+\.md", path.read_text(encoding="utf-8"))
    }
    assert named
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]


@pytest.mark.parametrize("fence", of(*({each.language for each in FENCES} | LANGUAGES)))
def test_blocks__say_their_language_and_why_they_are_not_run(fence: Fence) -> None:
    assert fence.language in LANGUAGES, "shell commands are `sh`, what a program prints is `text`"
    assert fence.language == "sh" or not fence.only_read, "only commands are run"


@pytest.mark.parametrize("name", PAGES)
def test_blocks__that_are_only_read_are_marked_where_the_marker_counts(name: str) -> None:
    assert page(name).count(ONLY_READ) == sum(bool(each.only_read) for each in fences(name)), (
        f"a line `*{ONLY_READ}why*` stands alone, a blank line above the block that it is about"
    )


@pytest.mark.parametrize("fence", of("sh"))
def test_commands__are_read_by_the_command_line(
    fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "baselines").mkdir()  # the one folder that an option asks to be there
    monkeypatch.chdir(tmp_path)
    for command in commands(fence.text):
        for call in command.calls("perfgate"):
            try:
                parse(call)
            except click.UsageError as error:
                pytest.fail(f"{fence.place}: perfgate {' '.join(call)}: {error.format_message()}")


@pytest.mark.parametrize("name", PAGES)
def test_commands__named_in_sentences_are_there_with_their_options(name: str) -> None:
    for span in spans(name):
        words = [word.strip("[]…,") for word in span.split()]
        if words[:1] != ["perfgate"] or words[1:2] == ["COMMAND"]:
            continue
        try:
            named, has = options(words[1:])
        except click.UsageError as error:
            pytest.fail(f"{name}: `{span}`: {error.format_message()}")
        assert named <= has | {"--help"}, f"{name}: `{span}` has no {sorted(named - has)}"


@pytest.mark.parametrize("name", PAGES)
def test_options__named_alone_belong_to_some_command(name: str) -> None:
    known = every_option().union({"--help"}, *FOREIGN.values())
    for span in spans(name):
        if re.match(r"-|container:|PERFGATE_", span):
            named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", span))
            assert named <= known, f"{name}: `{span}`: nothing takes {sorted(named - known)}"


def test_options__of_others_are_named_somewhere() -> None:
    told = "\n".join(page(name) for name in PAGES)
    assert not [option for each in FOREIGN.values() for option in each if option not in told]


@pytest.mark.parametrize("name", [*PAGES, *BESIDE])
def test_make_targets__are_there(name: str) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", page("Makefile"), flags=re.MULTILINE))
    shell = "\n".join(fence.text for fence in fences(name) if fence.language == "sh")
    named = {span.split()[1] for span in spans(name) if re.match(r"make \w", span)}
    named |= set(re.findall(r"^make ([\w-]+)", shell, flags=re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("name", PAGES)
def test_variables__are_read_or_set_somewhere(name: str) -> None:
    known = {
        found
        for folder in ("perfgate", "host", "setup", "release", ".github")
        for path in (ROOT / folder).rglob("*.*")
        if path.suffix in (".py", ".yml")
        for found in re.findall(r"PERFGATE_[A-Z_]+", path.read_text(encoding="utf-8"))
    }
    assert set(re.findall(r"PERFGATE_[A-Z_]+", page(name))) <= known


def test_exit_codes__are_all_told_and_no_other() -> None:
    table = page("docs/action.md").split("## Exit codes")[1]
    told = [int(code) for code in re.findall(r"^\| (\d) \|", table, flags=re.MULTILINE)]
    assert sorted(told) == sorted(ExitCode)


def test_extras__are_there() -> None:
    extras = tomllib.loads(page("pyproject.toml"))["project"]["optional-dependencies"]
    told = "\n".join(page(name) for name in PAGES)
    named = {
        name for found in re.findall(r"perfgate\[([\w,]+)\]", told) for name in found.split(",")
    }
    assert named
    assert named <= extras.keys()


@pytest.mark.parametrize("fence", of("json"))
def test_json__is_json(fence: Fence) -> None:
    json.loads(fence.text)


@pytest.mark.parametrize("fence", of("python"))
def test_python__is_python(fence: Fence) -> None:
    ast.parse(fence.text)


@pytest.mark.parametrize("fence", of("yaml"))
def test_yaml__is_a_suite_or_belongs_to_a_workflow(fence: Fence) -> None:
    content = yaml.safe_load(fence.text)
    if isinstance(content, dict) and WORKFLOW_SCHEMAS.keys() & content.keys():
        return  # held against GitHub's schema below
    if isinstance(content, list) and any({"uses", "run"} & entry.keys() for entry in content):
        return  # steps, which `workflows` puts into a job
    if fence.page != "docs/extending.md":  # that page's test adds the backend that it names
        parse_suite(_as_suite(fence.text, content), source=fence.place)


def test_workflows__are_valid_by_githubs_schema(tmp_path: Path) -> None:
    for key, schema in WORKFLOW_SCHEMAS.items():
        files = [
            _written(tmp_path / f"{fence.place.replace('/', '-').replace(':', '-')}.yml", text)
            for fence, text in _of_github(key)
        ]
        done = subprocess.run(
            [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files],
            capture_output=True,
            text=True,
            check=False,
        )
        assert not files or done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("fence", [pytest.param(f, id=f.place) for f, _ in _of_github("jobs")])
def test_workflows__use_what_perfgate_has_with_inputs_that_it_takes(fence: Fence) -> None:
    text = next(text for each, text in _of_github("jobs") if each == fence)
    for job in yaml.safe_load(text)["jobs"].values():
        for user in (job, *job.get("steps", ())):
            own = re.fullmatch(r"OWNER/perfgate(?:/(.+))?@v1", user.get("uses", ""))
            if not own:
                assert "OWNER" not in user.get("uses", "")
                continue
            inputs, asked = _offered(own[1] or "")
            assert user.get("with", {}).keys() <= inputs
            granted = job.get("permissions", {})
            lacks = {name for name, right in asked.items() if granted.get(name, "") < right}
            assert not lacks, f"GitHub starts no called workflow that asks for more: {lacks}"


def _offered(path: str) -> tuple[set[str], dict[str, str]]:
    """The inputs that one of perfgate's own actions or workflows takes, and its jobs' rights."""
    file = path if path.endswith(".yml") else str(Path(path) / "action.yml")
    content = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))
    if "runs" in content:
        return set(content.get("inputs", {})), {}
    asked: dict[str, str] = {}
    for job in content["jobs"].values():
        for name, right in job.get("permissions", {}).items():
            asked[name] = max(right, asked.get(name, ""))  # "write" is after "read"
    return set(content[True]["workflow_call"].get("inputs", {})), asked


def _as_suite(text: str, content: object) -> str:
    """A whole suite of a part of one: of cases, of keys of one case, or of other keys."""
    if isinstance(content, list):
        text = f"cases:\n{text}"
    elif text.startswith(" "):
        text = f"cases:\n  - id: example\n{text}"
        asked = {"model": "some/model", "task": "text-to-image", "request": "{prompt: a fox}"}
        if isinstance(content, dict) and content.get("backend") in FRAMEWORKS:
            text += "".join(f"    {key}: {asked[key]}\n" for key in asked.keys() - content.keys())
    elif isinstance(content, dict) and "cases" not in content:
        text += "cases:\n  - {id: example, backend: command, command: ./bench}\n"
    return text if re.search(r"^version:", text, flags=re.MULTILINE) else f"version: 1\n{text}"


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
