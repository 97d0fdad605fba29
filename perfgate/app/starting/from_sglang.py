"""Makes a suite of what sglang keeps of its diffusion tests, and lists what has no place in one.

Its baseline files stay what they are and where they are: the suite names them by hardware key. Its
test cases and its nightly comparison become the cases. Reads files of the work tree, runs and
changes nothing.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from perfgate.app.starting.draft import Draft, Unmapped
from perfgate.app.starting.from_sglang_cases import (
    KIND,
    CannotBeMappedError,
    Known,
    case_of,
    default_tasks,
)
from perfgate.app.starting.from_sglang_comparison import compared_cases
from perfgate.app.starting.from_sglang_files import (
    MOST_BYTES,
    Platform,
    SglangFiles,
    find,
    read_bytes,
)
from perfgate.app.starting.from_sglang_source import Sources
from perfgate.app.starting.from_sglang_text import baselines_text, cases_text
from perfgate.app.starting.from_sglang_values import Made, Unknown
from perfgate.baselines.sglang import SglangBaseline, parse_sglang_baseline
from perfgate.errors import ConfigurationError, PerfgateError
from perfgate.report.words import count
from perfgate.sides.git import Git
from perfgate.suite import Task

_REQUESTS: Final = (
    *("T2I_sampling_params", "TI2I_sampling_params"),
    *("T2V_sampling_params", "TI2V_sampling_params"),
)
_INSTALLED_FROM: Final = "python/pyproject.toml"
_SETUP: Final = """\
setup: pip install -e "python[diffusion]"   # each side's own environment, in its own tree
imports: [sglang]   # each side proves which file it imported, so that none is measured twice
"""
_NO_SETUP: Final = """\
# The shell line that installs this tree's sglang; without it both sides run the same one:
# setup: pip install -e "python[diffusion]"
"""
_NO_DEVICE: Final = "perfgate measures on CPUs, NVIDIA GPUs and Ascend NPUs, and this is another"


def from_sglang(git: Git) -> Draft:
    """The suite of a repository with sglang's files, sglang's own for one.

    Raises ConfigurationError where there is no baseline file of sglang's, or no case can be made.
    """
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    files = find(git.root, [path for path in listed.split("\0") if path])
    if not files.platforms and not files.comparisons:
        raise ConfigurationError(
            "this repository has no baseline file and no comparison of sglang's",
            fix="They are called perf_baselines/<platform>.json, perf_baselines*.json and "
            "comparison_configs.json; run `perfgate init` without --from where there are none.",
        )
    mapping = _Mapping(root=git.root, files=files)
    mapping.read()
    groups = [*mapping.groups()]
    if not any(cases for _, cases in groups):
        told = "".join(f"\n  - {one.where}: {one.why}" for one in mapping.unmapped[:20])
        raise ConfigurationError(
            f"no case can be made of sglang's files:{told}",
            fix="docs/migrating.md says what is read of them.",
        )
    return Draft(
        baselines=mapping.baselines(),
        sections=_SETUP if (git.root / _INSTALLED_FROM).is_file() else _NO_SETUP,
        cases=cases_text(groups),
        notes=tuple(mapping.notes(groups)),
        unmapped=tuple(mapping.unmapped),
    )


@dataclass(kw_only=True)
class _Mapping:
    """What was read so far, and what of it has no place in a suite."""

    root: Path
    files: SglangFiles
    read_files: list[tuple[Platform, SglangBaseline]] = field(default_factory=list)
    tests: dict[str, tuple[str, Made]] = field(default_factory=dict)
    requests: dict[str, Made] = field(default_factory=dict)
    unmapped: list[Unmapped] = field(default_factory=list)
    no_device: set[str] = field(default_factory=set)
    comparing: int = 0

    def read(self) -> None:
        for platform in self.files.platforms:
            self._read_baselines(platform)
        self._read_tests()

    def _read_baselines(self, platform: Platform) -> None:
        taken = {one.keys for one, _ in self.read_files}
        try:
            baseline = parse_sglang_baseline(self._text(platform.path), source=platform.path)
        except PerfgateError as error:
            self._leave(platform.path, "the file", error.problem.removeprefix(f"{platform.path}: "))
            return
        if not platform.keys or platform.keys in taken:
            why = _NO_DEVICE if not platform.keys else "another file is of the same machines"
            self.no_device |= {*baseline.scenarios}
            self._leave(platform.path, count(len(baseline.scenarios), "scenario"), why)
            return
        self.read_files.append((platform, baseline))
        if "improvement_reporting" in (baseline.model_extra or {}):
            self._leave(platform.path, "improvement_reporting", "the gate has a rule of its own")

    def _read_tests(self) -> None:
        sources = Sources()
        for path in self.files.tests:
            for _, made in sources.lists_of(self.root / path, KIND):
                for one in made:
                    self._read_test(path, one)
            for name in _REQUESTS:
                request = sources.value(self.root / path, name)
                if isinstance(request, Made):
                    self.requests.setdefault(name, request)
        for file, problem in sources.problems.items():
            self._leave(str(file.relative_to(self.root)), "the file", problem)

    def _read_test(self, path: str, test: Made) -> None:
        match test["id"]:
            case str() as name:
                self.tests.setdefault(name, (path, test))
            case Unknown(why=why):
                self._leave(path, "a test case", why)
            case _:
                self._leave(path, "a test case", "its name is no text")

    def groups(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The cases by the file that they come from, each id once."""
        tasks = default_tasks(made for _, made in self.tests.values())
        made: set[str] = set()
        for platform, baseline in self.read_files:
            cases = []
            for name in baseline.scenarios:
                if name not in made and (case := self._scenario(platform, baseline, name, tasks)):
                    cases.append(case)
                    made.add(name)
            yield f"Judged against {platform.path}, and in pairs:", cases
        for path in self.files.comparisons:
            yield (
                f"Of {path}, every night; perfgate compete measures their frameworks:",
                [*self._compared(path, made)],
            )
        self._without_figures(made)

    def _scenario(
        self, platform: Platform, baseline: SglangBaseline, name: str, tasks: Mapping[str, Task]
    ) -> dict[str, Any] | None:
        where = f"{platform.path}: {name}"
        if name not in self.tests:
            self._leave(
                where,
                "the scenario",
                "no test case of that name can be read in the files beside it",
            )
            return None
        _, test = self.tests[name]
        expected = baseline.expected(name)
        server = test["server_args"]
        devices = server["num_gpus"] if isinstance(server, Made) else None
        known = Known(
            requests=self.requests,
            video=expected is not None and expected.video,
            tasks=tasks,
            runner=platform.runner(devices if isinstance(devices, int) else 1),
        )
        try:
            return case_of(test, known)
        except CannotBeMappedError as error:
            self._leave(where, "the scenario", str(error))
            return None

    def _compared(self, path: str, made: set[str]) -> Iterator[dict[str, Any]]:
        try:
            cases, left_out = compared_cases(self._text(path), path=path)
        except ConfigurationError as error:
            self._leave(path, "the file", error.problem)
            return
        self.unmapped += left_out
        for case in cases:
            if case["id"] in made:
                self._leave(f"{path}: {case['id']}", "the case", "another case has its name")
                continue
            made.add(case["id"])
            self.comparing += 1
            yield case

    def _without_figures(self, made: set[str]) -> None:
        scenarios = {name for _, one in self.read_files for name in one.scenarios}
        for name, (path, _) in self.tests.items():
            if name not in made | scenarios | self.no_device:
                self._leave(
                    f"{path}: {name}",
                    "the test case",
                    "no baseline file that is used has figures of it",
                )

    def baselines(self) -> str:
        if not self.read_files:
            return "baselines/   # launches of each kind of machine, changed by pull requests"
        return baselines_text([(one, len(read.scenarios)) for one, read in self.read_files])

    def notes(self, groups: list[tuple[str, list[dict[str, Any]]]]) -> Iterator[str]:
        total = sum(len(cases) for _, cases in groups)
        yield (
            f"{count(total - self.comparing, 'scenario')} and {self.comparing} of the nightly "
            f"comparison became cases; {len(self.unmapped)} left out, each with its reason"
        )
        if total > self.comparing:
            yield (
                "tolerances, sampling and runner_overrides of the files hold as they stand; what "
                "is judged by them is labelled as having no error rate"
            )
            yield (
                "every case loads its model anew: choose with --case or `when:`, or spread them "
                "over runners by `runs_on`, whose labels are sglang's own"
            )

    def _leave(self, where: str, what: str, why: str) -> None:
        self.unmapped.append(Unmapped(where=where, what=what, why=why))

    def _text(self, path: str) -> str:
        try:
            content = read_bytes(self.root, path)
            if len(content) > MOST_BYTES:
                raise OSError(errno.EFBIG, f"it is larger than {MOST_BYTES} bytes")
            return content.decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{path} cannot be read: {error}", fix="Give a file in UTF-8."
            ) from error
