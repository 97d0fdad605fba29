"""Same work or not: tensors within a tolerance, files by content, and outputs that never repeat."""

import numpy as np
import pytest

from perfgate.profile.sketch import summary
from perfgate.records import OutputFingerprint, TensorSummary
from perfgate.verdict.output import check_outputs
from tests.factories import a_launch, a_report, an_output


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
        "DenoisingStage is where the outputs part: 0.2 of its scale apart",
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
    reshaped = one.stages[0].model_copy(update={"shape": (2, 4)})
    other = one.model_copy(update={"stages": (reshaped,), "sha256": "b"})
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


NOISE = np.random.default_rng(20_261_121)
LATENTS = NOISE.standard_normal((4, 64, 64))
FRAMES = NOISE.uniform(0.2, 0.8, (3, 64, 64))


def moved(values, by):
    """The values with noise of ``by`` times their norm added."""
    noise = NOISE.standard_normal(values.shape)
    return values + noise * (by * np.linalg.norm(values) / np.linalg.norm(noise))


def tensor(name, values, span=None):
    return TensorSummary.model_validate(summary(name, values, span=span))


def computed(latents=LATENTS, frames=FRAMES, *, sha256=None, build="torch 2.13", dtype="float32"):
    """What a request of one build and type computed."""
    stages = (tensor("latents after the last step", latents), tensor("frames", frames, 1.0))
    return OutputFingerprint(stages=stages, sha256=sha256, build=build, dtype=dtype)


def compared(base, head):
    return check(launches("base", base, base), launches("head", head, head))


class TestOneBuild:
    def test_another_order_of_additions__is_the_same(self):
        head = computed(moved(LATENTS, 6e-7), moved(FRAMES, 6e-7), sha256="b" * 64)
        assert compared(computed(sha256="a" * 64), head) == ("same", "")

    def test_a_prediction_that_was_left_out__is_not(self):
        state, what = compared(computed(), computed(moved(LATENTS, 4e-3)))
        assert state == "changed"
        assert what.startswith("latents after the last step is where the outputs part: cosine 0.99")
        assert what.endswith(" of its scale apart")

    def test_an_older_side_that_tells_no_build__is_held_to_the_same(self):
        older = computed(build="", dtype="")
        assert compared(older, computed(moved(LATENTS, 4e-3)))[0] == "changed"
        assert compared(older, computed(moved(LATENTS, 1e-5))) == ("same", "")

    def test_equal_frames__are_the_same_whatever_the_summaries_say(self):
        head = computed(moved(LATENTS, 0.5), sha256="a" * 64)
        assert compared(computed(sha256="a" * 64), head) == ("same", "")

    def test_values_that_changed_places__are_seen(self):
        state, what = compared(computed(), computed(frames=FRAMES[:, ::-1]))
        assert state == "changed"
        assert what.startswith("frames is where the outputs part: PSNR 1")


@pytest.mark.parametrize(
    "kinds",
    [({"build": "torch 2.12"}, {"build": "torch 2.13"}), ({"dtype": "bfloat16"},) * 2],
    ids=["another build", "bf16"],
)
class TestAnotherBuildOrType:
    def compare(self, kinds, **changed):
        return compared(computed(**kinds[0]), computed(**kinds[1], **changed))

    def test_what_half_precision_does__is_the_same(self, kinds):
        changed = {"latents": moved(LATENTS, 6e-3), "frames": moved(FRAMES, 6e-3)}
        assert self.compare(kinds, **changed) == ("same", "")

    def test_a_cosine_below_the_limit__is_a_change(self, kinds):
        state, what = self.compare(kinds, latents=moved(LATENTS, 0.0762))
        assert state == "changed"
        assert what.startswith("latents after the last step is where the outputs part: cosine 0.99")

    def test_another_length_alone__is_a_change(self, kinds):
        state, what = self.compare(kinds, latents=1.03 * LATENTS)
        assert state == "changed"
        assert "cosine 0.9999" in what
        assert "0.03 of its scale" in what

    @pytest.mark.parametrize(("decibels", "state"), [(43.0, "same"), (37.0, "changed")])
    def test_pictures__are_held_to_their_decibels(self, kinds, decibels, state):
        # Bright frames: their cosine hardly sees what 40 dB do.
        bright = FRAMES + 100.0
        noise = NOISE.standard_normal(FRAMES.shape)
        noise *= 10.0 ** (-decibels / 20.0) * np.sqrt(noise.size) / np.linalg.norm(noise)
        base, head = (
            computed(frames=frames, **kind)
            for frames, kind in zip((bright, bright + noise), kinds, strict=True)
        )
        found, what = compared(base, head)
        assert found == state
        assert state == "same" or what.startswith("frames is where the outputs part: PSNR 3")


def test_sketches_of_another_format__leave_the_moments():
    def older(mean):
        return OutputFingerprint(
            stages=(TensorSummary(name="frames", mean=mean, deviation=1.0, norm=10.0, sketch=(1,)),)
        )

    newer = older(0.0).model_copy(
        update={"stages": (older(0.0).stages[0].model_copy(update={"sketch": (1, 2)}),)}
    )
    assert compared(newer, older(0.0005)) == ("same", "")
    assert compared(newer, older(0.002))[0] == "changed"


def test_every_request__is_compared():
    def two(side, pair, first, second):
        reports = [a_report(output=output) for output in (first, second)]
        return a_launch(side, pair, reports=reports)

    base = [two("base", pair, computed(), computed()) for pair in range(2)]
    head = [two("head", pair, computed(-LATENTS), computed()) for pair in range(2)]
    assert check(base, head)[0] == "changed"


@pytest.mark.parametrize("value", [0.0, 1e-300, 1e300])
def test_any_numbers__may_stand_in_a_report(value):
    strange = TensorSummary(
        name="frames",
        shape=(10**30, 0),
        mean=-value,
        deviation=value,
        norm=value,
        sketch=(value,) * 256,
        span=value,
    )
    for shape in ((10**30,), (-1,), ()):
        one = strange.model_copy(update={"shape": shape})
        other = one.model_copy(update={"sketch": (-value,) * 256, "norm": 1.0})
        outputs = [OutputFingerprint(stages=(kept,), build="a", dtype="b") for kept in (one, other)]
        assert compared(*outputs)[0] == "changed"


class TestFiles:
    def left(self, side, values, *, sha256, span=255.0, name="out.png", **fields):
        """Two launches that wrote one picture."""
        kept = (tensor(name, values, span),) if values is not None else ()
        return [
            a_launch(side, pair, output_files={name: sha256}, outputs=kept, **fields)
            for pair in range(2)
        ]

    PIXELS = NOISE.integers(0, 255, (48, 64, 3)).astype(np.uint8)

    def test_the_same_pixels_in_other_bytes__are_the_same(self):
        base = self.left("base", self.PIXELS, sha256="1")
        assert check(base, self.left("head", self.PIXELS, sha256="2")) == ("same", "")

    def test_last_digits__are_the_same_and_another_picture_is_not(self):
        base = self.left("base", self.PIXELS, sha256="1")
        nearly = np.where(self.PIXELS < 250, self.PIXELS + 1, self.PIXELS)
        assert check(base, self.left("head", nearly, sha256="2")) == ("same", "")
        state, what = check(base, self.left("head", 255 - self.PIXELS, sha256="2"))
        assert state == "changed"
        assert what.startswith("out.png is where the outputs part: PSNR 4.")

    def test_arrays_of_an_archive__are_named(self):
        def archive(side, latents, sha256):
            kept = (tensor("out.npz: text", FRAMES), tensor("out.npz: latents", latents))
            files = {"out.npz": sha256}
            return [a_launch(side, pair, output_files=files, outputs=kept) for pair in range(2)]

        base = archive("base", LATENTS, "1")
        assert check(base, archive("head", LATENTS, "2"))[0] == "same"
        state, what = check(base, archive("head", -LATENTS, "2"))
        assert (state, what.partition(" is")[0]) == ("changed", "out.npz: latents")

    def test_what_cannot_be_decoded__is_compared_by_its_hash_and_says_so(self):
        why = {"out.png": "decoding it needs pip install 'perfgate[video]'"}
        base = self.left("base", None, sha256="1", undecoded=why)
        assert check(base, self.left("head", None, sha256="1", undecoded=why)) == ("same", "")
        told = f"out.png differs (compared by its hash: {why['out.png']})"
        head = self.left("head", None, sha256="2", undecoded=why)
        assert check(base, head) == ("changed", told)

    def test_a_picture_that_head_alone_broke__is_a_change(self):
        base = self.left("base", self.PIXELS, sha256="1")
        head = self.left("head", None, sha256="2", undecoded={"out.png": "it is truncated"})
        assert check(base, head) == (
            "changed",
            "out.png differs (compared by its hash: it is truncated)",
        )

    def test_a_base_that_writes_other_bytes_of_one_picture__is_checked(self):
        base = [
            *self.left("base", self.PIXELS, sha256="1")[:1],
            *self.left("base", self.PIXELS, sha256="2")[1:],
        ]
        assert check(base, self.left("head", self.PIXELS, sha256="3")) == ("same", "")
        assert check(base, self.left("head", 255 - self.PIXELS, sha256="3"))[0] == "changed"
