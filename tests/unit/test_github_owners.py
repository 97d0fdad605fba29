"""Who is asked to review: CODEOWNERS, or names that were given."""

import pytest

from perfgate.github.owners import Reviewers, named, owners_of

OWNERS = """\
# the last rule that matches counts
*                     @everybody
baselines/            @ann @octo/perf perf@example.org
baselines/npu/        @bo
/docs/*.md            @writer
"""


@pytest.mark.parametrize(
    ("paths", "users", "teams"),
    [
        (["src/a.py"], ("everybody",), ()),
        (["baselines/cpu/wan.json"], ("ann",), ("perf",)),
        (["baselines/npu/wan.json", "baselines/cpu/wan.json"], ("bo", "ann"), ("perf",)),
        (["baselines/a.json", "baselines/b.json"], ("ann",), ("perf",)),
        ([], (), ()),
    ],
)
def test_owners(paths, users, teams):
    assert owners_of(OWNERS, paths) == Reviewers(users=users, teams=teams)


def test_no_rule_matches__nobody():
    assert owners_of("/docs/ @writer\n", ["src/a.py"]) == Reviewers()


def test_broken_pattern__is_told():
    with pytest.raises(ValueError, match="unterminated"):
        owners_of("[a-  @ann\n", ["a"])


def test_given_names__with_or_without_at():
    assert named(["@ann", " bo ", "octo/perf", "@octo/perf", ""]) == Reviewers(
        users=("ann", "bo"), teams=("perf",)
    )


def test_more_than_github_takes__the_first_ones():
    assert len(named(f"user{number}" for number in range(40)).users) == 15
