"""YAML as operators write it: the configuration, and files of labels."""

from __future__ import annotations

from collections import Counter
from typing import Any

import yaml

from bot.domain.errors import ConfigError


def read(text: str, where: str) -> Any:
    """What it says. Raises ``ConfigError``, which begins with ``where``, with place and remedy.

    What stands in the line that is wrong is left out, for it may be a secret.
    """
    try:
        return yaml.load(text, Loader=_EachKeyOnce)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: is not YAML: {_place(error)}") from None
    except ValueError as error:  # a date that there is not, such as 2026-02-30
        raise ConfigError(f"{where}: is not YAML: {error}; put what is no date in quotes") from None


class _EachKeyOnce(yaml.SafeLoader):
    """Of two entries with the same key YAML's readers keep the last: a second `rules` would silently end the first."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Here and not later: what is merged in by `<<` is put among the keys, and may be there too.
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        met = Counter(key.value for key in keys if key.tag != "tag:yaml.org,2002:merge")
        for key in reversed(keys):
            if met[key.value] > 1:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value!r} is there twice; join the two", problem_mark=key.start_mark
                )
        return node


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "context_mark", None) or getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or type(error).__name__
    return f"{problem} (line {mark.line + 1})" if mark is not None else str(problem)
