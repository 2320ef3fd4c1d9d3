"""What a learnt model is, in words and figures for those who approve it (R6); pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ModelCard:
    """Where a model comes from and how good it is.

    `first_day` and `last_day` are days since 1970. `rows`, `jars`, `failures` and `strings` count what each
    part of the data holds, by the names of `Split`. `metrics` are those of the report, by name.
    """

    version: str
    source: str  # "simulated plant" or "historian"
    fleet: str
    seeds: tuple[int, ...]
    first_day: int
    last_day: int
    data_hash: str  # SHA-256 of all rows
    unseen_sites: tuple[str, ...]
    features: tuple[str, ...]  # in the order of the columns
    inputs: tuple[
        str, ...
    ]  # those that the boosters look at; the rest acts through Arrhenius' law or not at all
    rows: Mapping[str, int]
    jars: Mapping[str, int]
    failures: Mapping[str, int]
    strings: Mapping[str, int]
    recipe: Mapping[str, float]
    libraries: Mapping[str, str]
    metrics: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """In types that JSON knows."""
        return dataclasses.asdict(self)

    def facts(self) -> dict[str, str]:
        """Where it comes from, in words for people; figures of each part of the data by the part's name."""

        def parts(counts: Mapping[str, float]) -> str:
            return ", ".join(f"{name} {count:g}" for name, count in counts.items())

        return {
            "Source": self.source,
            "Fleet": self.fleet,
            "Seeds": ", ".join(map(str, self.seeds)),
            "UnseenSites": ", ".join(self.unseen_sites),
            "Rows": parts(self.rows),
            "Jars": parts(self.jars),
            "Failures": parts(self.failures),
            "Strings": parts(self.strings),
            "Features": ", ".join(self.features),
            "Inputs": ", ".join(self.inputs),
            "Recipe": parts(self.recipe),
            "Libraries": ", ".join(f"{name} {version}" for name, version in self.libraries.items()),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ModelCard:
        """What `as_dict` gave; raises TypeError when something is missing or unknown."""
        lists = ("seeds", "unseen_sites", "features", "inputs")
        typed: dict[str, Any] = {
            name: tuple(value) if name in lists else value for name, value in content.items()
        }
        return cls(**typed)
