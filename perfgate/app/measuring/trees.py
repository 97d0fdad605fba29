"""Both sides of a job, ready to run: base's work tree, each side's environment, and the proof."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from perfgate.app.measuring.edges import Edges
from perfgate.errors import ConfigurationError
from perfgate.records import Side, Tree
from perfgate.sides.checkout import Checkout, Environment, base_work_tree, refuse_same_path
from perfgate.sides.content import content_of
from perfgate.sides.environment import own_environment
from perfgate.sides.git import Git
from perfgate.sides.proof import prove_sides
from perfgate.suite import Suite, parse_suite


def head_tree(git: Git) -> Tree:
    """Head: the working tree, its commit and branch, and whether it differs from the commit."""
    branch = git.asks("symbolic-ref", "--quiet", "--short", "HEAD")
    commit = git("rev-parse", "HEAD").strip()
    return Tree(commit=commit, ref=branch or "HEAD", dirty=git.is_dirty(), content=content_of(git))


def read_suite(git: Git, path: str) -> Suite:
    """Head's suite file; raises ConfigurationError where it is missing or wrong."""
    return parse_suite(read_suite_text(git, path), source=path)


def read_suite_text(git: Git, path: str) -> str:
    """The text of head's suite file; raises ConfigurationError where it cannot be read."""
    try:
        return (git.root / path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"there is no suite file {path} in {git.root}",
            fix="Write one (perfgate's docs/suite.md), or name it with --suite.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", fix="Make it a readable UTF-8 file."
        ) from error


@contextlib.contextmanager
def both_sides(
    git: Git,
    edges: Edges,
    *,
    base: tuple[Tree, Suite],
    head: tuple[Tree, Suite],
    frameworks: Collection[str],
    prove: bool,
) -> Iterator[Mapping[Side, Checkout]]:
    """Base in a work tree of its own and head where it is, each with its own environments.

    ``frameworks`` are those that cases of the job run in; ``prove`` looks at what each side
    imports before anything is measured. Raises BenchmarkError when a side's setup fails,
    ConfigurationError when the two would run the same code.
    """
    with contextlib.ExitStack() as stack:
        path = stack.enter_context(base_work_tree(git, base[0].commit, folder=edges.scratch))
        refuse_same_path(path, git.root)
        sides = {
            side: stack.enter_context(
                one_side(
                    side,
                    tree=tree,
                    suite=suite,
                    path=where,
                    frameworks=frameworks,
                    git=git,
                    edges=edges,
                )
            )
            for side, (tree, suite), where in (
                (Side.BASE, base, path),
                (Side.HEAD, head, git.root),
            )
        }
        if prove:
            _prove(sides[Side.BASE], sides[Side.HEAD], base[1].imports, edges)
        yield sides


def _prove(base: Checkout, head: Checkout, imports: Sequence[str], edges: Edges) -> None:
    proof = prove_sides(base, head, imports=imports, run=edges.run)
    for module, files in proof.items():
        edges.progress.note(f"{module}: base {files['base']} · head {files['head']}")


@contextlib.contextmanager
def head_alone(
    git: Git, edges: Edges, *, head: tuple[Tree, Suite], frameworks: Collection[str]
) -> Iterator[Mapping[Side, Checkout]]:
    """Head where it is, for a job without pairs. Raises BenchmarkError when a setup fails."""
    tree, suite = head
    with one_side(
        Side.HEAD,
        tree=tree,
        suite=suite,
        path=git.root,
        frameworks=frameworks,
        git=git,
        edges=edges,
    ) as checkout:
        yield {Side.HEAD: checkout}


@contextlib.contextmanager
def one_side(
    side: Side,
    *,
    tree: Tree,
    suite: Suite,
    path: Path,
    frameworks: Collection[str],
    git: Git,
    edges: Edges,
) -> Iterator[Checkout]:
    """One side with the environments that its own suite makes, the frameworks' after its own."""
    with contextlib.ExitStack() as stack:

        def made(framework: str) -> Environment:
            return stack.enter_context(
                environment_of(framework, side=side, suite=suite, path=path, git=git, edges=edges)
            )

        own = made("")
        yield Checkout(
            side=side,
            tree=tree,
            path=path,
            python=own.python,
            env=own.env,
            frameworks={
                name: made(name) for name in sorted(set(frameworks)) if has_setup(suite, name)
            },
        )


def has_setup(suite: Suite, framework: str) -> bool:
    """Whether a framework has an environment of its own."""
    return _setup(suite, framework) is not None


@contextlib.contextmanager
def environment_of(
    framework: str, *, side: Side, suite: Suite, path: Path, git: Git, edges: Edges
) -> Iterator[Environment]:
    """What a framework's ``setup`` makes, or with an empty name the side's own.

    Raises BenchmarkError when it fails.
    """
    setup = _setup(suite, framework)
    if setup is not None:
        edges.progress.note(f"setup of {framework or side.value}: {setup}")
    with own_environment(
        setup,
        side=side,
        tree=path,
        repository=git.root,
        cache=edges.cache,
        environ=edges.environ,
        timeout_s=max(case.timeout.setup for case in suite.cases),
        run=edges.run,
        framework=framework,
    ) as (python, env):
        yield Environment(python=python, env=env)


def _setup(suite: Suite, framework: str) -> str | None:
    """The shell line; ``none`` is the same as absent."""
    if not framework:
        return suite.setup_command()
    own = suite.frameworks.get(framework)
    return own.setup if own and own.setup and own.setup.strip() not in ("", "none") else None
