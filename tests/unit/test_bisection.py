"""The search for a commit, on made-up commits: what it asks, when it ends, and what it says."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.verdict.bisection import LEAST_PAIRS, Bisection, Range
from perfgate.verdict.interval import changes_of
from perfgate.verdict.likelihood import noise_from
from perfgate.verdict.sequential import Policy

MOST_PAIRS = 2000
Took = Callable[[int], float]


def a_search(suspects: int = 32, *, history: Sequence[float] = (), **policy: float) -> Bisection:
    return Bisection(suspects=suspects, policy=Policy(**policy), history=history)


def step_at(culprit: int, *, slower: float = 0.05, noise: float = 0.003, seed: int = 1) -> Took:
    """Commits of a second, ``slower`` from the culprit on."""
    chance = random.Random(seed)

    def took(place: int) -> float:
        ratio = 1 + slower if place >= culprit else 1.0
        return 1000 * ratio * math.exp(chance.gauss(0, noise))

    return took


def run(search: Bisection, took: Took, *, broken: Sequence[int] = ()) -> list[Range]:
    """Answer until the search ends; the questions that it asked and got answered."""
    asked: list[Range] = []
    while (question := search.next_question()) is not None:
        assert len(asked) < MOST_PAIRS, "the search does not end"
        silent = [place for place in (question.before, question.after) if place in broken]
        if silent:
            search.skip(silent[0])
            continue
        search.observe(question, took(question.before), took(question.after))
        asked.append(question)
    return asked


def between(before: int, after: int) -> Range:
    return Range(before=before, after=after)


# What it asks


def test_the_two_ends_come_first__then_the_middle():
    search = a_search(32)
    took = step_at(20)
    asked = run(search, took)
    ends = [question for question in asked if question == between(0, 32)]
    assert asked[: len(ends)] == ends
    assert asked[len(ends)] == between(0, 16)


def test_the_culprit_is_asked_against_the_commit_before_it():
    search = a_search(32)
    asked = run(search, step_at(20))
    assert asked.count(between(19, 20)) >= LEAST_PAIRS
    assert asked[-1] == between(19, 20)


@pytest.mark.parametrize("suspects", [1, 2, 3, 7, 32])
def test_every_place_is_found(suspects):
    for culprit in range(1, suspects + 1):
        search = a_search(suspects)
        run(search, step_at(culprit, seed=culprit))
        assert search.stage == "found"
        assert search.suspected() == between(culprit - 1, culprit)
        assert search.certainty(search.suspected()) >= 0.98


def test_quiet_machines_need_about_one_pair_a_step():
    asked = run(a_search(32), step_at(9))
    searching = [question for question in asked if question != between(0, 32)]
    assert len(searching) <= 5 + LEAST_PAIRS


def test_a_noisy_machine_is_asked_more_and_still_answers():
    search = a_search(32)
    asked = run(search, step_at(20, noise=0.02, seed=5))
    assert search.suspected() == between(19, 20)
    assert len(asked) > 5 + 2 * LEAST_PAIRS


def test_a_wrong_answer_is_found_out():
    search = a_search(32)
    usual, lies = step_at(20), iter([True])

    def took(place: int) -> float:
        # The first time that the middle is asked its launch is as slow as the culprit's.
        return 1050.0 if place == 16 and next(lies, False) else usual(place)

    asked = run(search, took)
    assert between(0, 16) in asked
    assert search.suspected() == between(19, 20)


# When it ends without a commit


def test_equal_ends__nothing_to_look_for():
    search = a_search(32)
    asked = run(search, step_at(33))
    assert search.stage == "not slower"
    assert set(asked) == {between(0, 32)}
    assert search.suspected() == between(0, 32)


def test_ends_that_cannot_be_told_apart__undecided_after_three_times_a_gates_pairs():
    search = a_search(32, max_pairs=6)
    jumps = iter([1.3, 0.75] * 100)
    asked = run(search, lambda place: 1000 * (next(jumps) if place else 1.0))
    assert search.stage == "undecided"
    assert asked == [between(0, 32)] * 18


def test_two_steps__the_search_ends_soon_and_names_one_of_them_or_both():
    chance = random.Random(7)
    history = [chance.gauss(0, 0.0042) for _ in range(20)]
    open_questions = 0
    for seed in range(8):
        search = a_search(32, history=history)
        first = step_at(10, slower=0.03, seed=seed)
        second = step_at(20, slower=0.03, seed=100 + seed)
        asked = run(search, lambda place: first(place) * second(place) / 1000)  # noqa: B023
        assert len(asked) < 60
        suspects = search.suspected()
        assert any(suspects.before < culprit <= suspects.after for culprit in (10, 20))
        open_questions += len(search.open)
    # What is like neither end is not asked to the last pair.
    assert open_questions > 0


# Commits that do not answer


def test_a_skipped_commit__its_neighbour_is_asked():
    search = a_search(32)
    asked = run(search, step_at(20), broken=[16])
    assert search.suspected() == between(19, 20)
    assert between(0, 16) not in asked
    assert between(0, 15) in asked or between(0, 17) in asked


def test_a_skipped_culprit__cannot_be_told_from_the_next_one():
    search = a_search(32)
    run(search, step_at(20), broken=[20, 21])
    assert search.stage == "found"
    assert search.suspected() == between(19, 22)
    assert len(search.suspected()) == 3
    # Their change is measured together.
    assert search.pairs(between(19, 22)) >= LEAST_PAIRS


def test_nothing_between_the_ends_answers__all_are_suspects():
    search = a_search(8)
    run(search, step_at(3), broken=range(1, 8))
    assert search.stage == "found"
    assert search.suspected() == between(0, 8)


def test_a_commit_that_answered_and_then_died__keeps_its_word():
    search = a_search(32)
    took = step_at(17)
    while search.pairs(between(0, 16)) == 0:
        question = search.next_question()
        assert question is not None
        search.observe(question, took(question.before), took(question.after))
    search.skip(16)
    run(search, took)
    assert search.suspected() == between(16, 17)


@pytest.mark.parametrize("place", [0, 32])
def test_the_ends_must_answer(place):
    with pytest.raises(ValueError, match="is an end of the search"):
        a_search(32).skip(place)


@settings(max_examples=40, deadline=None)
@given(
    suspects=st.integers(1, 20),
    seed=st.integers(0, 10_000),
    noise=st.floats(0.001, 0.1),
    data=st.data(),
)
def test_any_search_ends_and_asks_only_what_can_answer(suspects, seed, noise, data):
    culprit = data.draw(st.integers(1, suspects + 1))
    broken = data.draw(st.sets(st.integers(1, max(suspects - 1, 1)))) - {suspects}
    search = a_search(suspects, max_pairs=4)
    asked = run(search, step_at(culprit, noise=noise, seed=seed), broken=sorted(broken))
    assert all(0 <= question.before < question.after <= suspects for question in asked)
    assert max(asked.count(question) for question in set(asked)) <= search.most_pairs
    assert search.stage in ("found", "not slower", "undecided")


# What it says


def test_the_same_pairs_give_the_same_search():
    one, other = a_search(32), a_search(32)
    asked = run(one, step_at(11, noise=0.01, seed=3))
    took = step_at(11, noise=0.01, seed=3)
    for question in asked:
        assert other.next_question() == question
        other.observe(question, took(question.before), took(question.after))
    assert other.next_question() is None
    assert other.suspected() == one.suspected()


def test_the_change_is_the_commits_own():
    search = a_search(32)
    run(search, step_at(20, slower=0.05))
    change = search.change(between(19, 20))
    assert change.low < 1.05 < change.high
    assert change.ratio == pytest.approx(1.05, abs=0.01)


def test_other_pairs_tell_how_noisy_the_machine_is():
    search = a_search(32)
    run(search, step_at(20))
    (alone,) = changes_of([search.differences[between(19, 20)]], noise_from(()))
    change = search.change(between(19, 20))
    assert change.high / change.low < alone.high / alone.low


def test_more_pairs__none_are_left_at_the_end():
    search = a_search(32)
    before = search.more_pairs()
    run(search, step_at(20))
    assert before >= 5 + LEAST_PAIRS
    assert search.more_pairs() <= 1


@pytest.mark.parametrize(("before_ms", "after_ms"), [(0.0, 1.0), (1.0, -1.0), (1.0, math.nan)])
def test_what_is_no_time_is_refused(before_ms, after_ms):
    with pytest.raises(ValueError, match="must be positive"):
        a_search(2).observe(between(0, 2), before_ms, after_ms)


def test_there_must_be_a_suspect():
    with pytest.raises(ValueError, match="a suspect at least"):
        a_search(0)
