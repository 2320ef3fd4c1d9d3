"""A small fleet with alarms that the alarm and event tests drive by hand."""

from __future__ import annotations

from dataclasses import replace

from config.fleetfile import FleetFile
from nodeset import status as st
from nodeset.fleet import AssetType, Fleet, build_fleet
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex
from nodeset.tags import TAG_OF
from server.alarms.definition import MICROSECONDS, AlarmDef, ConditionClass, ConditionIndex
from server.alarms.state import Transitions
from server.alarms.table import AlarmTable

START = 1_700_000_000 * MICROSECONDS
NAN = float("nan")

TEMPERATURE = AlarmDef(
    "TemperatureHigh",
    TAG_OF[AssetType.JAR, "Temperature"],
    ConditionClass.PROCESS,
    (NAN, NAN, 35.0, 45.0),
    (0, 0, 500, 800),
    1.0,
    0,
    0,
    "Jar temperature is high",
    "Look at the air conditioning.",
)
VOLTAGE = AlarmDef(
    "VoltageLevel",
    TAG_OF[AssetType.JAR, "Voltage"],
    ConditionClass.PROCESS,
    (NAN, 11.5, 14.5, NAN),
    (0, 600, 550, 0),
    0.1,
    0,
    0,
    "Jar voltage is out of range",
    "Look at the charger.",
)
HUMIDITY = AlarmDef(
    "HumidityHigh",
    TAG_OF[AssetType.SITE, "Humidity"],
    ConditionClass.MAINTENANCE,
    (NAN, NAN, 80.0, NAN),
    (0, 0, 200, 0),
    0.0,
    0,
    0,
    "Room is damp",
    "Look at the drain.",
)


def small_fleet(jars: int = 2) -> Fleet:
    """Two sites, A and B, of one string each."""
    model = {
        "manufacturer": "Hexa",
        "nominal_voltage": 12,
        "cells": 6,
        "capacity": 120,
        "cutoff_voltage": 10.5,
        "float_voltage": 13.65,
        "baseline_resistance": 3.4,
    }

    def site(serial: str) -> dict[str, object]:
        string = {"model": "M", "jars": jars, "installed": "2022-01-01", "first_serial": serial}
        system = {"kind": "UPS", "rated_power": 10, "strings": {"S01": string}}
        return {"region": "Bangkok", "latitude": 13, "longitude": 100, "systems": {"UPS-1": system}}

    return build_fleet(
        FleetFile.model_validate(
            {"name": "Small", "models": {"M": model}, "sites": {"A": site("A001"), "B": site("B001")}}
        )
    )


class AlarmPlant:
    """A table of conditions and the frame that the next step sees."""

    def __init__(self, *defs: AlarmDef, jars: int = 2) -> None:
        self.index = ConditionIndex(small_fleet(jars), defs)
        self.table = AlarmTable(self.index, START)
        self.frame: Frame = first_frame(TagIndex(self.index.fleet), START)
        for d in defs:
            self.set(d, 13.0 if d.tag is VOLTAGE.tag else 20.0)

    def set(self, d: AlarmDef, value: float, status: int = st.GOOD, asset: int | None = None) -> None:
        """Give the tag of a definition a value: of one asset, or of all."""
        rows = slice(None) if asset is None else asset
        self.frame.column(d.tag.asset, d.tag.name)[rows] = value
        self.frame.column_status(d.tag.asset, d.tag.name)[rows] = status

    def step(self, seconds: float) -> Transitions:
        """One scan, so many seconds after the start."""
        self.frame = replace(self.frame, time=START + round(seconds * MICROSECONDS))
        return self.table.step(self.frame)

    def event_id(self, row: int) -> bytes:
        """EventId of a condition's last event."""
        return self.table.event_id(row, int(self.table.state.event[row]))
