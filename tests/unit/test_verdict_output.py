"""Same work or not: tensors within a tolerance, files by hash, and outputs that never repeat."""

import pytest

from perfgate.records import OutputFingerprint, TensorSummary
from perfgate.verdict.output import check_outputs
from tests.factories import a_launch, an_output


def launches(side, *outputs, **fields):
    return [a_launch(side, pair, output=output, **fields) for pair, output in enumerate(outputs)]


def with_files(side, *hashes):
    return [a_launch(side, pair, output_files={"out.png": one}) for pair, one in enumerate(hashes)]


def check(base, head, **more):
    found = check_outputs(base, head, **more)
    return found.state, found.what


def test_rounding__is_the_same_output():
    base = launches("base", an_output("a", DenoisingStage=0.5))
    head = launches("head", an_output("b", DenoisingStage=0.5005))
    assert check(base, head)[0] == "same"


def test_the_first_tensor_that_differs__is_named():
    base = launches("base", an_output(TextEncodingStage=1.0, DenoisingStage=0.5, Decoding=0.1))
    head = launches("head", an_output(TextEncodingStage=1.0, DenoisingStage=0.7, Decoding=0.9))
    assert check(base, head) == (
        "changed",
        "DenoisingStage is where the outputs part, by 0.2 of its scale",
    )


@pytest.mark.parametrize(
    ("base", "head", "what"),
    [
        (an_output(A=1.0), an_output(A=1.0, B=1.0), "B was computed on one side only"),
        (an_output(A=1.0, B=1.0), an_output(A=1.0), "B was computed on one side only"),
        (an_output(A=1.0), None, "only one side reported its output"),
        (an_output("a"), an_output("b"), "the final output differs"),
    ],
)
def test_what_is_not_the_same__is_told(base, head, what):
    assert check(launches("base", base), launches("head", head)) == ("changed", what)


def test_another_shape__is_another_output():
    one = an_output(A=1.0)
    other = one.model_copy(update={"stages": (one.stages[0].model_copy(update={"shape": (2, 4)}),)})
    assert check(launches("base", one), launches("head", other)) == (
        "changed",
        "A has another shape",
    )


def test_only_hashes__are_compared_exactly():
    assert check(launches("base", an_output("a")), launches("head", an_output("a")))[0] == "same"


def test_files__are_compared_by_hash():
    assert check(with_files("base", "1"), with_files("head", "1"))[0] == "same"
    assert check(with_files("base", "1"), with_files("head", "2")) == ("changed", "out.png differs")
    nothing = [a_launch("head")]
    assert check(with_files("base", "1"), nothing) == (
        "changed",
        "out.png was written on one side only",
    )


def test_no_output__is_not_checked():
    assert check([a_launch("base")], [a_launch("head")])[0] == "not checked"
    assert check([], [])[0] == "not checked"
    hashless = an_output(None)
    assert check(launches("base", hashless), launches("head", hashless))[0] == "not checked"


def test_an_output_that_base_itself_does_not_repeat__is_not_checked():
    assert check(with_files("base", "1", "2"), with_files("head", "3", "3")) == (
        "not checked",
        "base's own launches differ in output",
    )


def test_an_output_that_head_does_not_repeat__waits_for_a_second_base_launch():
    burn_in = a_launch("head", None, output_files={"out.png": "9"})
    first = check(with_files("base", "1"), with_files("head", "2"), burn_in=burn_in)
    assert first == ("not checked", "head's own launches differ in output")
    second = check(with_files("base", "1", "1"), with_files("head", "2", "3"), burn_in=burn_in)
    assert second == ("changed", "out.png differs, and from one head launch to the next")


def test_fewer_steps__are_a_change_and_may_be_allowed():
    base, head = [a_launch("base", steps=[1] * 8)], [a_launch("head", steps=[1] * 4)]
    assert check(base, head) == ("changed", "head ran 4 steps, base 8")
    assert check(base, head, allow={"output": "distilled, #7"}) == (
        "allowed",
        "head ran 4 steps, base 8; allowed: distilled, #7",
    )


def test_values_that_changed_places__show_in_the_sketch_alone():
    def sketched(*sketch):
        tensor = TensorSummary(name="frames", mean=0.0, deviation=1.0, norm=10.0, sketch=sketch)
        return OutputFingerprint(stages=(tensor,))

    base = launches("base", *[sketched(3.0, -4.0)] * 2)
    assert check(base, launches("head", *[sketched(3.001, -4.0)] * 2)) == ("same", "")
    assert check(base, launches("head", *[sketched(3.5, -4.5)] * 2)) == (
        "changed",
        "frames is where the outputs part, by 0.05 of its scale",
    )
