"""A fork's figures are told as such, before anything else, wherever people read them."""

from __future__ import annotations

import pytest

from perfgate.report.comment import render_comment
from perfgate.report.summary import render_summary
from tests.factories import a_case_decision, a_decision

LABEL = "**Measured by the fork's own code:**"


@pytest.mark.parametrize("render", [render_comment, render_summary])
def test_a_forks_decision__is_labelled_above_its_figures(render):
    regressed = a_case_decision(verdict="regressed", sentence="slower")
    text = render(a_decision([regressed], measured_by_fork=True))
    assert text.index("is slower") < text.index(LABEL) < text.index("wan_t2v_tiny")


@pytest.mark.parametrize("render", [render_comment, render_summary])
def test_our_own_decision__has_no_label(render):
    assert "fork" not in render(a_decision())
