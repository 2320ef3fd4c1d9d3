"""Scans of two strings of eight jars that tests drive by hand, and what quality says of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from smallfleets import index_of

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame, Readings, first_frame
from nodeset.index import TagIndex
from nodeset.tags import SensorState
from server.scanning.quality import Quality, Staleness

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
JAR, STRING, SYSTEM, SITE = AssetType.JAR, AssetType.STRING, AssetType.SYSTEM, AssetType.SITE
JARS = 8  # of a string
TAGS = ("Voltage", "Temperature", "InternalResistance")


def two_strings() -> TagIndex:
    """One site, one system, two strings of eight jars."""
    return index_of({"Bangrak": {"UPS-1": (5, {"SA": JARS, "SB": JARS})}})


class JudgedScans:
    """One scan after the other. `truth` holds what every variable is, by rows; tests set it at will."""

    def __init__(self, period: float = 5.0, noise: float = 1.0, index: TagIndex | None = None) -> None:
        self.index = index or two_strings()
        self.period = period
        self.quality = Quality(self.index, Staleness(3, 300 * SECOND))
        self.frame: Frame = first_frame(self.index, START).freeze()
        self.truth = np.zeros(self.index.size)
        self.steps: dict[str, float] = {"Voltage": 0.001, "Temperature": 0.01, "InternalResistance": 0.001}
        self.noise = {"Voltage": 0.002, "Temperature": 0.05, "InternalResistance": 0.017}
        self.noise = {name: noise * sigma for name, sigma in self.noise.items()}
        self._chance = np.random.default_rng(7)
        self.of("Voltage")[:] = 13.65
        self.of("Temperature")[:] = 25.0
        self.of("InternalResistance")[:] = 3.4
        self.of("AmbientTemperature", SITE)[:] = 24.0
        self.of("Humidity", SITE)[:] = 50.0

    def of(self, name: str, asset: AssetType = JAR) -> NDArray[np.float64]:
        """The truth of a tag."""
        return self.index.column(self.truth, asset, name)

    def scan(
        self,
        seen: dict[str, float | None] | None = None,
        *,
        jar: int = 0,
        status: int = st.GOOD,
        seconds: float | None = None,
        stamp: int | None = None,
    ) -> Frame:
        """One scan. What is `seen` of a jar stands in place of its truth, with `status`; None arrives not.

        `stamp` is the source time of the whole scan where it is not the scan's own.
        """
        time = self.frame.time + round((seconds or self.period) * SECOND)
        value, statuses = self._read(), np.zeros(self.index.size, np.uint32)
        here = np.zeros(self.index.size, np.bool_)
        here[self.index.measured()] = True
        for name, reading in (seen or {}).items():
            row = self.index.slice(JAR, name).start + jar
            here[row] = reading is not None
            value[row], statuses[row] = 0.0 if reading is None else reading, status
        rows = np.flatnonzero(here)
        times = np.full(len(rows), time if stamp is None else stamp)
        return self.take(Readings(rows, value[rows], statuses[rows], times), time)

    def take(self, readings: Readings, time: int | None = None) -> Frame:
        """One scan of these readings, at `time` [µs] or at theirs."""
        frame = self.frame.next(int(readings.time.max()) if time is None else time)
        frame.take(readings)
        self.quality.assess(self.frame, frame, readings)
        self.frame = frame.freeze()
        return self.frame

    def scans(self, count: int, seen: dict[str, float | None] | None = None, jar: int = 0) -> list[int]:
        """Some scans alike; the states of the jar's sensors."""
        states = []
        for _ in range(count):
            self.scan(seen, jar=jar)
            states.append(int(self.state(jar)))
        return states

    def status(self, name: str, jar: int = 0, asset: AssetType = JAR) -> int:
        """Status of a variable after the last scan."""
        return int(self.frame.column_status(asset, name)[jar])

    def statuses(self, name: str) -> list[int]:
        """Statuses of all jars."""
        return [int(code) for code in self.frame.column_status(JAR, name)]

    def state(self, jar: int = 0) -> SensorState:
        """State of a jar's sensors."""
        return SensorState(int(self.frame.column(JAR, "SensorState")[jar]))

    def excess(self, jar: int = 0) -> float:
        """Temperature of a jar above its neighbours' [K]."""
        return float(self.frame.column(JAR, "TemperatureExcess")[jar])

    def _read(self) -> NDArray[np.float64]:
        self.of("BusVoltage", SYSTEM)[:] = self.of("Voltage")[:JARS].sum()
        value = self.truth.copy()
        for name in TAGS:
            column, step = self.index.column(value, JAR, name), self.steps[name]
            column += self._chance.normal(0.0, self.noise[name], len(column)) if self.noise[name] else 0.0
            column[:] = np.round(column / step) * step
        return value
