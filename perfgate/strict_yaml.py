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
