"""The measuring loop with resident servers: who is launched when, and what is not at all."""

from __future__ import annotations

from perfgate.app.measuring.selection import Chosen
from perfgate.records import Launch, Origin, Side, Verdict
from perfgate.suite import Case
from perfgate.verdict.decide import decide
from tests.measuring import Bench, a_case, measured, recorded, stopped, ten_jobs


def resident(case_id: str, origin: Origin = Origin.JUDGED) -> Chosen:
    case = Case(id=case_id, backend="command", command="true", launch="resident", restart_every=2)
    return Chosen(case=case, origin=origin)


class Servers(Bench):
    """Launches of which those of RESIDENT come from servers, as the real launcher keeps them."""

    RESIDENT = ("video", "wan")

    def __init__(self, **what: float) -> None:
        super().__init__(**what)
        self.loads: list[str] = []
        self._case_id = ""
        self._servers: dict[Side, int] = {}
        self._pairs: set[int] = set()

    def __call__(
        self, case_id: str, side: Side, *, pair: int | None, order: int, timeout_s: float
    ) -> Launch:
        made = super().__call__(case_id, side, pair=pair, order=order, timeout_s=timeout_s)
        if case_id != self._case_id or (pair not in self._pairs and len(self._pairs) >= 2):
            self._servers, self._pairs = {}, set()
        self._case_id = case_id
        if case_id not in self.RESIDENT:
            return made
        if side not in self._servers:
            self.loads.append(case_id)
        self._pairs |= set() if pair is None else {pair}
        return made.model_copy(update={"server": self._servers.setdefault(side, order)})


def bases(bench: Bench) -> list[str]:
    return [call.replace(" base", "") for call in bench.calls if "base" in call]


def test_one_case__the_server_of_the_burn_in_goes_on() -> None:
    bench = Servers()
    result = measured(bench, resident("wan"))
    pairs = len(bases(bench))
    assert len(bench.loads) == 2 * -(-pairs // 2)
    assert result.cases[0].launches[0].server == result.cases[0].launches[2].server == 0
    assert result.cases[0].resident


def test_several__a_case_goes_on_until_its_servers_restart() -> None:
    bench = Servers()
    measured(bench, resident("wan"), a_case("flux"), resident("video"))
    assert bench.calls[:3] == ["flux head burn-in", "wan head burn-in", "video head burn-in"]
    assert bases(bench)[:2] == ["video 0", "video 1"], "its server was loaded last"
    for name in ("video", "wan"):
        own = [place for place, call in enumerate(bases(bench)) if call.startswith(name)]
        assert [second - first for first, second in zip(own[::2], own[1::2], strict=False)] == [
            1
        ] * (len(own) // 2), "pairs come two by two"


def test_a_half_pair_on_an_unfit_device_uses_up_a_pair_of_the_servers() -> None:
    bench = Servers()
    bench.unfit = lambda _case, side, pair: (
        "hardware slowdown: on device 0" if (side, pair) == (Side.BASE, 0) else None
    )
    measured(bench, resident("wan"), resident("video"))
    assert bases(bench)[:2] == ["video 0", "video 1"]


def test_refused__it_is_not_launched_and_the_others_are() -> None:
    bench = Servers()
    result = measured(bench, resident("wan"), a_case("flux"), refused={"wan": "why"})
    assert not any(call.startswith("wan") for call in bench.calls)
    assert stopped(result) == {"wan": None, "flux": None}
    assert [case.refused for case in result.cases] == ["why", None]
    verdicts = [case.verdict for case in decide(recorded(result)).cases]
    assert verdicts == [Verdict.FAILED, Verdict.PASSED]


def test_baseline__its_servers_are_not_launched_but_for_a_new_case() -> None:
    bench = Servers()
    measured(bench, resident("wan"), resident("video", Origin.NEW), strategy="baseline")
    assert [call for call in bench.calls if "wan" in call] == []
    assert bench.calls[:2] == ["video head burn-in", "video head 0"]


def test_auto__the_screen_never_passes_it() -> None:
    bench, wan = Servers(), resident("wan")
    result = measured(bench, wan, strategy="auto", stored={"wan": ten_jobs(wan)})
    assert "wan base 0" in bench.calls
    decided = decide(recorded(result, strategy="auto"), baselines={"wan": ten_jobs(wan)})
    assert decided.cases[0].pairs == len(bases(bench))


def test_going_on__new_servers_serve_the_next_pairs() -> None:
    bench = Servers(noise=0.05)
    first = measured(bench, resident("wan"), budget_min=0.7)
    assert stopped(first) == {"wan": "the budget of device minutes was spent"}
    before = len(first.cases[0].launches)
    bench._case_id = ""
    second = measured(bench, resident("wan"), earlier=first)
    later = second.cases[0].launches[before:]
    assert second.cases[0].launches[:before] == first.cases[0].launches
    assert min(launch.server for launch in later if launch.server is not None) >= before
