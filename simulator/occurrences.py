"""What happens in the plant that a site's log book would hold: outages, failures of air conditioning and of
jars, repairs and replacements. `Plant.occurrences` gives them; what sensors read of them is another matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OccurrenceKind(StrEnum):
    """What can happen."""

    OUTAGE_BEGAN = "OutageBegan"
    OUTAGE_ENDED = "OutageEnded"
    HVAC_FAILED = "HvacFailed"
    HVAC_REPAIRED = "HvacRepaired"
    JAR_FAILED = "JarFailed"
    JAR_REPLACED = "JarReplaced"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened at `time` [µs] to the asset `path`; `detail` says more, and may be empty."""

    time: int
    kind: OccurrenceKind
    path: str
    detail: str = ""
