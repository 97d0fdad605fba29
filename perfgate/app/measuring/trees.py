"""Both sides of a job, ready to run: base's work tree, each side's environment, and the proof."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from perfgate.app.measuring.edges import Edges
from perfgate.errors import ConfigurationError
from perfgate.records import Side, Tree
from perfgate.sides.checkout import Checkout, base_work_tree, refuse_same_path
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
    try:
        text = (git.root / path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"there is no suite file {path} in {git.root}",
            fix="Write one (README, 'The suite file'), or name it with --suite.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", fix="Make it a readable UTF-8 file."
        ) from error
    return parse_suite(text, source=path)


@contextlib.contextmanager
def both_sides(
    git: Git,
    edges: Edges,
    *,
    base: tuple[Tree, Suite],
    head: tuple[Tree, Suite],
    prove: bool,
) -> Iterator[Mapping[Side, Checkout]]:
    """Base in a work tree of its own and head where it is, each with its own environment.

    ``prove`` looks at what each side imports before anything is measured. Raises BenchmarkError
    when a side's setup fails, ConfigurationError when the two would run the same code.
    """
    with contextlib.ExitStack() as stack:
        path = stack.enter_context(base_work_tree(git, base[0].commit, folder=edges.scratch))
        refuse_same_path(path, git.root)
        sides = {
            side: stack.enter_context(
                _one_side(side, tree=tree, suite=suite, path=where, git=git, edges=edges)
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
    git: Git, edges: Edges, *, head: tuple[Tree, Suite]
) -> Iterator[Mapping[Side, Checkout]]:
    """Head where it is, for a job without pairs. Raises BenchmarkError when its setup fails."""
    tree, suite = head
    with _one_side(
        Side.HEAD, tree=tree, suite=suite, path=git.root, git=git, edges=edges
    ) as checkout:
        yield {Side.HEAD: checkout}


@contextlib.contextmanager
def _one_side(
    side: Side, *, tree: Tree, suite: Suite, path: Path, git: Git, edges: Edges
) -> Iterator[Checkout]:
    """One side with the environment that its own suite's ``setup`` makes."""
    setup = suite.setup_command()
    if setup is not None:
        edges.progress.note(f"setup of {side.value}: {setup}")
    with own_environment(
        setup,
        side=side,
        tree=path,
        repository=git.root,
        cache=edges.cache,
        environ=edges.environ,
        timeout_s=max(case.timeout.setup for case in suite.cases),
        run=edges.run,
    ) as (python, env):
        yield Checkout(side=side, tree=tree, path=path, python=python, env=env)
