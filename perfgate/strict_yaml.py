"""Reads YAML and refuses a key that stands twice; knows no document."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml


def load(text: str) -> object:
    """What the text says, by YAML's safe types alone.

    Raises yaml.YAMLError for what is no YAML or holds a key twice, RecursionError for what is
    nested too deeply.
    """
    return yaml.load(text, Loader=_NoDuplicateKeys)  # noqa: S506 - a SafeLoader


class _NoDuplicateKeys(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys without a word; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def places(text: str, *, of: str, by: str) -> dict[str, int]:
    """On which line, from 1, each item of the list under the key ``of`` has its ``by``.

    Items are told by that value. What is no such document has no places: who loads it says why.
    """
    try:
        document = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return {}
    items = _values(document, of)
    return {
        value.value: value.start_mark.line + 1
        for item in (items[0].value if items and isinstance(items[0], yaml.SequenceNode) else ())
        for value in _values(item, by)[:1]
        if isinstance(value, yaml.ScalarNode)
    }


def _values(node: yaml.Node | None, key: str) -> list[yaml.Node]:
    """What stands under a key of a mapping."""
    if not isinstance(node, yaml.MappingNode):
        return []
    return [value for name, value in node.value if name.value == key]
