"""What the historian tells of itself becomes tags of the fleet."""

from __future__ import annotations

import pytest

from historian.writer import Stats
from nodeset import status as st
from nodeset.frame import first_frame
from nodeset.index import TagIndex
from nodeset.tags import TAGS, HistorianState, Origin
from server.scanning.storing import state_of, tell


@pytest.mark.parametrize(
    ("stats", "state"),
    [
        (Stats(), HistorianState.WRITING),
        (Stats(scans_buffered=2, lag_s=5.0), HistorianState.WRITING),
        (Stats(scans_buffered=3, lag_s=10.0), HistorianState.BEHIND),
        (Stats(healthy=False), HistorianState.BEHIND),
        (Stats(scans_spilled=1), HistorianState.BEHIND),
        (Stats(scans_dropped=1), HistorianState.WRITING),  # that was long ago
        (Stats(scans_dropped=1, losing=True), HistorianState.LOSING),
    ],
)
def test_one_word_for_how_it_does(stats: Stats, state: HistorianState) -> None:
    assert state_of(stats) is state


def test_its_tags(small_index: TagIndex) -> None:
    stats = Stats(
        healthy=False, scans_buffered=60, scans_spilled=7, scans_dropped=4, lag_s=3.5, spill_used=0.25
    )
    frame = first_frame(small_index, 1_000_000)
    tell(frame, stats)
    told = {
        tag.name: (frame.column(*tag.key)[0], frame.column_status(*tag.key)[0])
        for tag in TAGS
        if tag.origin is Origin.SERVER
    }
    assert told == {
        "HistorianState": (HistorianState.BEHIND, st.GOOD),
        "HistorianLag": (3.5, st.GOOD),
        "HistorianWaiting": (67.0, st.GOOD),
        "HistorianDropped": (4.0, st.GOOD),
        "HistorianSpillUsed": (25.0, st.GOOD),
    }
