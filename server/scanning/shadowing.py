"""The second evaluation of a scan while simulations run: the shadow's readings in, a marked frame out; pure.

It works with forks of what the plant's own evaluation remembers. Rows that no simulation touches are the
plant's, bit for bit; touched ones are marked as simulated, but for those that are bad anyway.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame, Readings, Statuses
from server.scanning.evaluation import Evaluation
from server.scanning.prognosis import Prognosis

Flags = NDArray[np.bool_]


class Shadowing:
    """Evaluates a shadow of the plant, which is now as its own `evaluation` and last `frame` have it."""

    def __init__(self, evaluation: Evaluation, frame: Frame) -> None:
        self._plants, self._own = evaluation, evaluation.fork()
        self._last = frame

    @property
    def prognosis(self) -> Prognosis:
        """The shadow's twin."""
        return self._own.prognosis

    def step(self, plant: Frame, readings: Readings, touched: Flags, time: int) -> Frame:
        """The frame at `time` [µs] of the shadow's `readings`; `plant` is that of the plant's last scan.

        It is not frozen: counts of alarms are still to come.
        """
        frame = replace(self._own.step(self._last, readings, time), number=plant.number)
        restore(frame, plant, ~touched)
        # So that a target which is restored, or becomes one, begins as the plant has it.
        jars = frame.index.column(touched, AssetType.JAR, "StateOfHealth")
        self._own.adopt(self._plants, ~touched, ~jars)
        self._last = frame
        return replace(frame, status=marked(frame.status, touched))


def restore(frame: Frame, plant: Frame, rows: Flags) -> None:
    """Set some rows as another frame has them."""
    np.copyto(frame.value, plant.value, where=rows)
    np.copyto(frame.status, plant.status, where=rows)
    np.copyto(frame.source_time, plant.source_time, where=rows)


def marked(status: Statuses, touched: Flags) -> Statuses:
    """Statuses that say of touched rows that they are simulated; what is bad stays bad."""
    simulated = np.uint32(st.UNCERTAIN_SIMULATED_VALUE)
    return np.where(touched & ~st.is_bad(status), simulated, status).astype(np.uint32)
