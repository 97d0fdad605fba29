"""docs/frameworks.md names all that a case may say of frameworks, and every way they fail."""

from __future__ import annotations

import pytest

from perfgate.records import FailureKind
from perfgate.suite import Request, Serve
from tests.documents import page, spans

SPANS = {name for span in spans("docs/frameworks.md") for name in span.split(", ")}


@pytest.mark.parametrize("model", [Request, Serve])
def test_request_and_serve__every_key(model: type[Request | Serve]) -> None:
    assert not model.model_fields.keys() - SPANS


def test_serve__defaults_are_the_real_ones() -> None:
    text = page("docs/frameworks.md")
    for name in ("mode", "port"):
        assert f"| `{name}` | `{Serve.model_fields[name].default}` |" in text


@pytest.mark.parametrize("kind", list(FailureKind))
def test_failures__are_named_for_one_launch_and_for_a_cell(kind: FailureKind) -> None:
    told = page("docs/frameworks.md").partition("**One framework that fails stops no other.**")[2]
    assert kind.value in told.partition("\n")[0]
