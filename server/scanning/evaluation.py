"""What a scan works out of its readings before alarms see them: quality, totals and the twin's estimates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nodeset.frame import Frame, Readings
from server.scanning import lifedrops, totals
from server.scanning.prognosis import Prognosis
from server.scanning.quality import Quality


class Evaluation:
    """The ordered calls that fill a frame; keeps what quality and twin remember from scan to scan."""

    def __init__(self, quality: Quality, prognosis: Prognosis) -> None:
        self._quality = quality
        self.prognosis = prognosis

    def step(self, last: Frame, readings: Readings, time: int) -> Frame:
        """The frame of the scan at `time` [µs] that follows `last`; not yet frozen."""
        frame = last.next(time)
        frame.take(readings)
        self._quality.assess(last, frame, readings)
        totals.share_current(frame)
        totals.add_up_strings(frame)
        self.prognosis.step(frame)
        lifedrops.put_drop(last, frame, self.prognosis.steady)
        totals.count_jars(frame)
        return frame

    def fork(self) -> Evaluation:
        """An evaluation of its own that remembers the same."""
        return Evaluation(self._quality.fork(), self.prognosis.fork())

    def adopt(self, other: Evaluation, rows: NDArray[np.bool_], jars: NDArray[np.bool_]) -> None:
        """Take what is remembered of some rows and jars from another evaluation of the fleet."""
        self._quality.adopt(other._quality, rows)
        self.prognosis.adopt(other.prognosis, jars)
