"""Base and head in real repositories: which commit is base, and whose code each side runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from perfgate import process
from perfgate.errors import BenchmarkError, ConfigurationError
from perfgate.records import Side, Tree
from perfgate.sides.checkout import (
    Checkout,
    base_work_tree,
    refuse_same_path,
    side_environment,
)
from perfgate.sides.environment import own_environment
from perfgate.sides.git import Git, open_repository
from perfgate.sides.proof import own_package, prove_sides
from perfgate.sides.resolve import Trigger, resolve_base
from tests.repositories import Repository, environment

LOCAL = Trigger(name="local")


def git_in(repository: Repository) -> Git:
    return open_repository(repository.path, environment())


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "project")


def refused(git: Git, trigger: Trigger, base: str | None = None) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        resolve_base(git, trigger, base=base)
    assert caught.value.fix
    return caught.value


def diverged(repository: Repository) -> tuple[str, str, str]:
    """Where two branches parted, the last commit of feature, and that of main, a merge."""
    start = repository.commit("start", a="1")
    repository.git("switch", "--quiet", "-c", "feature")
    feature = repository.commit("feature", b="1")
    repository.git("switch", "--quiet", "-c", "other", start)
    repository.commit("other", d="1")
    repository.git("switch", "--quiet", "main")
    repository.commit("meanwhile on main", c="1")
    repository.git("merge", "--quiet", "--no-ff", "other", "--message", "merge")
    return start, feature, repository.git("rev-parse", "HEAD")


class TestResolve:
    def test_named_base(self, repository: Repository) -> None:
        first = repository.commit()
        repository.commit()
        assert resolve_base(git_in(repository), LOCAL, base="HEAD~1") == (first, "HEAD~1")

    def test_a_base_that_does_not_exist(self, repository: Repository) -> None:
        repository.commit()
        assert "the base nowhere does not exist" in str(
            refused(git_in(repository), LOCAL, "nowhere")
        )

    def test_a_base_that_looks_like_an_option(self, repository: Repository) -> None:
        repository.commit()
        assert "does not exist" in str(refused(git_in(repository), LOCAL, "--exec=touch x"))

    def test_pull_request__first_parent_of_the_merge_commit(self, repository: Repository) -> None:
        repository.commit("start", a="1")
        repository.git("switch", "--quiet", "-c", "feature")
        feature = repository.commit("feature", b="1")
        repository.git("switch", "--quiet", "main")
        target = repository.commit("meanwhile on main", c="1")
        repository.git("merge", "--quiet", "--no-ff", "feature", "--message", "merge")
        trigger = Trigger(name="pull_request", head_sha=feature, base_sha=target)
        found = resolve_base(git_in(repository), trigger, base=None)
        assert found == (target, "the first parent of the merge commit")

    def test_pull_request__merge_base_when_head_itself_is_checked_out(
        self, repository: Repository
    ) -> None:
        start = repository.commit("start", a="1")
        target = repository.commit("meanwhile on main", c="1")
        repository.git("switch", "--quiet", "-c", "feature", start)
        feature = repository.commit("feature", b="1")
        trigger = Trigger(name="pull_request", head_sha=feature, base_sha=target)
        found = resolve_base(git_in(repository), trigger, base=None)
        assert found == (start, "the merge base")

    def test_pull_request__a_merge_commit_in_a_clone_of_depth_1(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        repository.commit("start", a="1")
        repository.git("switch", "--quiet", "-c", "feature")
        feature = repository.commit("feature", b="1")
        repository.git("switch", "--quiet", "main")
        target = repository.commit("meanwhile on main", c="1")
        repository.git("merge", "--quiet", "--no-ff", "feature", "--message", "merge")
        shallow = repository.clone(tmp_path / "shallow", "--depth=1")
        git = git_in(shallow)
        assert git.commit_of(target) is None
        trigger = Trigger(name="pull_request", head_sha=feature, base_sha=target)
        found = resolve_base(git, trigger, base=None)
        assert found == (target, "the first parent of the merge commit")
        assert git.commit_of(target) == target

    def test_pull_request__head_itself_in_a_clone_of_depth_1(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        start = repository.commit("start", a="1")
        target = repository.commit("meanwhile on main", c="1")
        repository.git("switch", "--quiet", "-c", "feature", start)
        feature = repository.commit("feature", b="1")
        shallow = repository.clone(tmp_path / "shallow", "--depth=1")
        trigger = Trigger(name="pull_request", head_sha=feature, base_sha=target)
        assert resolve_base(git_in(shallow), trigger, base=None) == (start, "the merge base")

    def test_asked_for_by_hand__merge_base_with_the_branch_it_goes_to(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        start, feature, _ = diverged(repository)
        trigger = Trigger(name="pull_request", head_sha=feature, base_ref="main")
        for depth in ("--depth=1", "--no-single-branch"):
            clone = repository.clone(tmp_path / depth, "--branch=feature", depth)
            found = resolve_base(git_in(clone), trigger, base=None)
            assert found == (start, "the merge base with main")

    def test_asked_for_by_hand__another_commit_is_checked_out(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        _, feature, main = diverged(repository)
        clone = repository.clone(tmp_path / "clone")
        trigger = Trigger(name="pull_request", head_sha=feature, base_ref="main")
        error = refused(git_in(clone), trigger)
        assert f"checked out {main[:12]}, but {feature[:12]}" in str(error)
        assert "inputs.head" in error.fix

    def test_asked_for_by_hand__no_such_branch(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        _, feature, _ = diverged(repository)
        clone = repository.clone(tmp_path / "clone", "--branch=feature")
        trigger = Trigger(name="pull_request", head_sha=feature, base_ref="release")
        assert "the branch release" in str(refused(git_in(clone), trigger))

    def test_a_shallow_clone_without_a_remote(self, repository: Repository, tmp_path: Path) -> None:
        repository.commit()
        repository.commit()
        shallow = repository.clone(tmp_path / "shallow", "--depth=1")
        shallow.git("remote", "remove", "origin")
        for base in (None, "HEAD~1"):
            error = refused(git_in(shallow), Trigger(name="push"), base)
            assert "there is no remote origin" in str(error)
            assert "fetch-depth" in error.fix

    def test_named_parent_in_a_clone_of_depth_1(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        first = repository.commit()
        repository.commit()
        shallow = repository.clone(tmp_path / "shallow", "--depth=1")
        assert resolve_base(git_in(shallow), LOCAL, base="HEAD~1") == (first, "HEAD~1")

    def test_a_branch_that_only_origin_has(self, repository: Repository, tmp_path: Path) -> None:
        first = repository.commit()
        repository.git("branch", "release")
        repository.commit()
        shallow = repository.clone(tmp_path / "shallow", "--depth=1")
        assert resolve_base(git_in(shallow), LOCAL, base="release") == (first, "release")

    def test_push__first_parent(self, repository: Repository) -> None:
        first = repository.commit()
        repository.commit()
        found = resolve_base(git_in(repository), Trigger(name="push"), base=None)
        assert found == (first, "the first parent")

    def test_push__a_first_commit_has_nothing_to_compare_with(self, repository: Repository) -> None:
        repository.commit()
        assert "has no parent" in str(refused(git_in(repository), Trigger(name="push")))

    def test_merge_group__its_base(self, repository: Repository) -> None:
        first = repository.commit()
        repository.commit()
        trigger = Trigger(name="merge_group", base_sha=first)
        assert resolve_base(git_in(repository), trigger, base=None)[0] == first

    def test_laptop__merge_base_with_the_upstream(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        first = repository.commit()
        clone = repository.clone(tmp_path / "clone")
        clone.commit()
        found = resolve_base(git_in(clone), LOCAL, base=None)
        assert found == (first, "the merge base with origin/main")

    def test_laptop__without_an_upstream(self, repository: Repository) -> None:
        repository.commit()
        assert "--base" in refused(git_in(repository), LOCAL).fix

    def test_outside_of_a_repository(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="not a git repository"):
            open_repository(tmp_path, environment(GIT_CEILING_DIRECTORIES=str(tmp_path.parent)))


class TestTrees:
    def test_base_is_a_tree_of_its_own_and_leaves_no_trace(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        first = repository.commit(bench_py="old")
        repository.commit(bench_py="new")
        git = git_in(repository)
        with base_work_tree(git, first, folder=tmp_path) as path:
            assert (path / "bench.py").read_text() == "old"
            refuse_same_path(path, repository.path)
        assert not path.exists()
        assert repository.git("worktree", "list").count("\n") == 0

    def test_a_tree_that_a_killed_job_left_behind_is_no_obstacle(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        first = repository.commit(bench_py="old")
        repository.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "base"), first)
        (tmp_path / "base" / "bench.py").unlink()
        (tmp_path / "base").rename(tmp_path / "gone")
        with base_work_tree(git_in(repository), first, folder=tmp_path) as path:
            assert (path / "bench.py").read_text() == "old"

    def test_one_path_for_both_sides_is_refused(self, repository: Repository) -> None:
        with pytest.raises(ConfigurationError, match="both resolve to"):
            refuse_same_path(repository.path / ".", repository.path)

    def test_secrets_and_python_switches_do_not_reach_a_benchmark(self, tmp_path: Path) -> None:
        environ = {
            "PATH": "/bin",
            "PYTHONPATH": "x",
            "GITHUB_TOKEN": "secret",
            "INPUT_GITHUB-TOKEN": "secret",
            "ACTIONS_RUNTIME_TOKEN": "secret",
            "HF_HOME": "/models",
        }
        env = side_environment(
            environ, side=Side.BASE, path=tmp_path, python=Path("python3"), own_env=None
        )
        assert "secret" not in env.values()
        assert "PYTHONPATH" not in env
        assert env["HF_HOME"] == "/models"
        assert (env["PERFGATE_SIDE"], env["PERFGATE_WORKTREE"]) == ("base", str(tmp_path))


def an_environment(setup: str | None, tree: Path, cache: Path):  # type: ignore[no-untyped-def]
    return own_environment(
        setup,
        side=Side.HEAD,
        tree=tree,
        repository=tree,
        cache=cache,
        environ=environment(),
        timeout_s=120,
        run=process.run,
    )


class TestEnvironment:
    def test_setup_runs_in_the_tree_with_its_own_python(self, tmp_path: Path) -> None:
        tree = tmp_path / "a tree"
        tree.mkdir()
        setup = 'python3 -c "import sys; print(sys.prefix)" > prefix; pwd > where'
        with an_environment(setup, tree, tmp_path / "cache") as (python, env):
            assert (tree / "where").read_text().strip() == str(tree)
            assert (tree / "prefix").read_text().strip() == env["VIRTUAL_ENV"]
            assert python.is_relative_to(tmp_path / "cache")

    def test_an_environment_is_kept_and_setup_runs_again(self, tmp_path: Path) -> None:
        tree = tmp_path / "tree"
        tree.mkdir()
        setup = 'echo ran >> log; touch "$VIRTUAL_ENV/kept"'
        for _ in range(2):
            with an_environment(setup, tree, tmp_path / "cache") as (python, _env):
                kept = python.parent.parent / "kept"
        assert kept.exists()
        assert (tree / "log").read_text() == "ran\nran\n"

    def test_a_changed_lock_file_makes_another_environment(self, tmp_path: Path) -> None:
        tree = tmp_path / "tree"
        tree.mkdir()
        pythons = set()
        for text in ("numpy==1", "numpy==2"):
            (tree / "requirements.txt").write_text(text)
            with an_environment("true", tree, tmp_path / "cache") as (python, _env):
                pythons.add(python)
        assert len(pythons) == 2

    def test_setup_that_fails_shows_the_end_of_its_log(self, tmp_path: Path) -> None:
        with (
            pytest.raises(BenchmarkError) as caught,
            an_environment("echo no such package; exit 4", tmp_path, tmp_path / "cache"),
        ):
            pytest.fail("it must not get here")
        assert "setup of head exited with 4" in str(caught.value)
        assert "no such package" in str(caught.value)
        assert not list((tmp_path / "cache" / "environments").glob("head-*[!k]/bin"))


def a_checkout(side: Side, path: Path, **env: str) -> Checkout:
    path.mkdir(parents=True, exist_ok=True)
    return Checkout(
        side=side,
        tree=Tree(commit="0" * 40, ref="main"),
        path=path,
        python=Path(sys.executable),
        env={**environment(), **env},
    )


class TestProof:
    def test_each_side_finds_its_own_tree(self, tmp_path: Path) -> None:
        sides = [a_checkout(side, tmp_path / side.value) for side in Side]
        for side in sides:
            (side.path / "model.py").write_text("")
        proof = prove_sides(*sides, imports=["model"], run=process.run)
        assert proof["model"] == {
            "base": str(tmp_path / "base" / "model.py"),
            "head": str(tmp_path / "head" / "model.py"),
        }

    def test_one_install_for_both_sides_is_refused(self, tmp_path: Path) -> None:
        shared = tmp_path / "site"
        (shared / "model").mkdir(parents=True)
        (shared / "model" / "__init__.py").write_text("")
        sides = [a_checkout(side, tmp_path / side.value, PYTHONPATH=str(shared)) for side in Side]
        with pytest.raises(ConfigurationError, match="both import model from"):
            prove_sides(*sides, imports=["model"], run=process.run)

    def test_a_side_that_finds_somebody_elses_install_is_refused(self, tmp_path: Path) -> None:
        shared = tmp_path / "site"
        shared.mkdir()
        (shared / "model.py").write_text("")
        base = a_checkout(Side.BASE, tmp_path / "base", PYTHONPATH=str(shared))
        head = a_checkout(Side.HEAD, tmp_path / "head")
        (head.path / "model.py").write_text("")
        with pytest.raises(ConfigurationError, match="base imports model from"):
            prove_sides(base, head, imports=["model"], run=process.run)

    def test_the_projects_own_package_is_looked_at_unasked(self, tmp_path: Path) -> None:
        shared = tmp_path / "site"
        sides = [a_checkout(side, tmp_path / side.value, PYTHONPATH=str(shared)) for side in Side]
        for folder in (shared, *(side.path for side in sides)):
            (folder / "my_model").mkdir(parents=True)
            (folder / "my_model" / "__init__.py").write_text("")
        for side in sides:
            (side.path / "pyproject.toml").write_text('[project]\nname = "my-model"\n')
        assert own_package(sides[0].path) == "my_model"
        with pytest.raises(ConfigurationError, match="a tree would be compared with itself"):
            prove_sides(*sides, imports=[], run=process.run)

    def test_a_project_that_is_not_installed_proves_nothing_and_needs_nothing(
        self, tmp_path: Path
    ) -> None:
        sides = [a_checkout(side, tmp_path / side.value) for side in Side]
        assert prove_sides(*sides, imports=[], run=process.run) == {}

    def test_a_module_that_is_missing_on_one_side(self, tmp_path: Path) -> None:
        sides = [a_checkout(side, tmp_path / side.value) for side in Side]
        (tmp_path / "head" / "model.py").write_text("")
        with pytest.raises(ConfigurationError, match="base cannot import model"):
            prove_sides(*sides, imports=["model"], run=process.run)
