"""What a scan works out of its readings before alarms see them: quality, totals and the twin's estimates."""

from __future__ import annotations

from nodeset.frame import Frame, Readings
from server.scanning import totals
from server.scanning.prognosis import Prognosis
from server.scanning.quality import Quality


class Evaluation:
    """The ordered calls that fill a frame; keeps what quality and twin remember from scan to scan."""

    def __init__(self, quality: Quality, prognosis: Prognosis) -> None:
        self._quality = quality
        self._prognosis = prognosis

    def step(self, last: Frame, readings: Readings, time: int) -> Frame:
        """The frame of the scan at `time` [µs] that follows `last`; not yet frozen."""
        frame = last.next(time)
        frame.take(readings)
        self._quality.assess(last, frame, readings)
        totals.share_current(frame)
        totals.add_up_strings(frame)
        self._prognosis.step(frame)
        totals.count_jars(frame)
        return frame
