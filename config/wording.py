"""Every sentence for users, read from `wording.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


class Wording:
    """Sentences by dotted key. A missing key or placeholder is a programming error and raises KeyError."""

    def __init__(self, sentences: dict[str, Any]) -> None:
        self._sentences: dict[str, str] = dict(_flatten(sentences))

    def __call__(self, key: str, /, **values: object) -> str:
        return self._sentences[key].format(**values)

    def keys(self) -> set[str]:
        return set(self._sentences)


@cache
def load_wording() -> Wording:
    return Wording(tomllib.loads(resources.files("config").joinpath("wording.toml").read_text(encoding="utf-8")))


def _flatten(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    flat: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            flat += _flatten(value, f"{prefix}{name}.")
        else:
            flat.append((prefix + name, str(value)))
    return flat
