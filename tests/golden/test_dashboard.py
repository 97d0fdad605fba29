"""The dashboard's texts as people read them: markdown, the page's body, a picture's description.

The page's script and data have no golden file: a machine reads them, and a browser tests them.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from perfgate.report.dashboard.kept import Crept, Kept
from perfgate.report.dashboard.links import Links
from perfgate.report.dashboard.markdown import render_markdown
from perfgate.report.dashboard.page import Dashboard, render_page
from perfgate.report.dashboard.trends import trend_charts
from tests.factories import an_acceptance
from tests.golden.test_charts import readable
from tests.histories import SERVER, a_history, a_line, a_miss, nights, shifts_in

H100 = "nvidia-h100-80gb-hbm3-x1"


def shown(history, **kept):
    return Dashboard.of(
        history,
        shifts_in(history),
        title="o/r: performance over time",
        kept=Kept(today=date(2026, 5, 2), **kept),
        links=Links.to(SERVER),
        made_at=datetime(2026, 5, 2, 3, 15, tzinfo=UTC),
    )


def three_frameworks():
    """One is fastest, one got slower, one ran out of memory, one case is old."""
    return shown(
        a_history(
            a_line(nights((40, 6700.0), noise=0.005, seed=1), case="flux1_dev_t2i_1024"),
            a_line(
                nights((25, 7900.0), (15, 8900.0), noise=0.005, seed=2),
                case="flux1_dev_t2i_1024",
                framework="vllm-omni",
            ),
            a_line([*nights((39, 64200.0), noise=0.002, seed=3), 68000.0], case="wan22_ti2v_5b"),
            a_line(nights((20, 897.0), noise=0.005, seed=4), case="zimage_turbo", samples=1),
            missed=[
                a_miss(
                    39,
                    "out of memory",
                    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
                    case="wan22_ti2v_5b",
                    framework="diffusers",
                ),
                a_miss(12, "not the native backend", "falling back to diffusers backend"),
            ],
            problems=["results/2026/04/x.json: cut short"],
        ),
        accepted=(an_acceptance("flux1_dev_t2i_1024", hardware=H100, expires=date(2026, 5, 9)),),
        crept=(
            Crept(
                case="flux1_dev_t2i_1024",
                hardware_key=H100,
                metric="end-to-end",
                unit="ms",
                first=6400.0,
                best=6350.0,
                now=6700.0,
            ),
        ),
    )


def nothing_but_a_failure():
    return shown(a_history(missed=[a_miss(0, "never healthy", "no answer after 20 minutes")]))


STORIES = (three_frameworks, nothing_but_a_failure)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_markdown(story, golden):
    found = story()
    golden(f"dashboard_{story.__name__}.md", render_markdown(found, list(trend_charts(found)), []))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_page(story, golden):
    page = render_page(story())
    body = page[page.index("<body>") : page.index('<script type="application/json"')]
    body = re.sub(r'(<svg class="spark".*?>).*?(?=</svg>)', r"\1", body, flags=re.DOTALL)
    golden(f"dashboard_{story.__name__}.html", re.sub(r"\n+", "\n", body))


def test_picture(golden):
    found = shown(
        a_history(
            a_line([1000.0, 1010.0, 990.0, 1005.0, 1200.0, 1210.0, 1195.0, 1205.0]),
            a_line([1500.0, 1510.0, 1490.0], framework="vllm-omni", first_night=4),
        )
    )
    (chart,) = trend_charts(found)
    golden("chart_dashboard.json", readable(chart.spec))
