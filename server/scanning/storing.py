"""What the historian tells of itself, as tags of the fleet: they have alarms and a history like any other."""

from __future__ import annotations

from typing import Final

from historian.writer import Stats
from nodeset.fleet import AssetType
from nodeset.frame import Frame
from nodeset.tags import HistorianState

PASSING: Final = 2  # scans that may be on their way to the database


def tell(frame: Frame, stats: Stats) -> None:
    """Set the tags for this scan."""
    for name, value in (
        ("HistorianState", state_of(stats)),
        ("HistorianLag", stats.lag_s),
        ("HistorianWaiting", stats.waiting),
        ("HistorianDropped", stats.scans_dropped),
        ("HistorianSpillUsed", 100.0 * min(stats.spill_used, 1.0)),
    ):
        frame.put(AssetType.FLEET, name, float(value))


def state_of(stats: Stats) -> HistorianState:
    """The one word for it."""
    if stats.losing:
        return HistorianState.LOSING
    behind = not stats.healthy or stats.scans_spilled or stats.scans_buffered > PASSING
    return HistorianState.BEHIND if behind else HistorianState.WRITING
