"""A plant that numbers its scans: what comes back out of a database tells which were kept."""

from __future__ import annotations

from nodeset.fleet import AssetType
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex

START = 1_767_225_600_000_000  # 2026-01-01 [µs]
PERIOD = 5_000_000  # µs


class Plant:
    """Frames one after the other; the scan's number is each jar's RUL."""

    def __init__(self, index: TagIndex) -> None:
        self._frame = first_frame(index, START)

    def next(self) -> Frame:
        self._frame = self._frame.next(self._frame.time + PERIOD)
        self._frame.put(AssetType.JAR, "RemainingUsefulLife", float(self._frame.number))
        return self._frame.freeze()
