"""Fleets of a few jars for tests, told by their topology alone."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase

from config.fleetfile import FleetFile
from nodeset.fleet import build_fleet
from nodeset.index import TagIndex

# Systems by name: rated power [kW], and the number of jars of each string by name.
Systems = Mapping[str, tuple[float, Mapping[str, int]]]

MODEL = {
    "manufacturer": "Hexa Power",
    "nominal_voltage": 12,
    "cells": 6,
    "capacity": 120,
    "cutoff_voltage": 10.5,
    "float_voltage": 13.65,
    "baseline_resistance": 3.4,
}
REGIONS = {"Phuket": "Southern"}


def index_of(sites: Mapping[str, Systems]) -> TagIndex:
    """The variables of such a fleet."""
    return TagIndex(build_fleet(file_of(sites)))


def file_of(sites: Mapping[str, Systems]) -> FleetFile:
    """The file of such a fleet. Strings have the serial numbers A001, B001 ... in their order."""
    letters = iter(ascii_uppercase)
    string = {"model": "M", "installed": "2024-03-01"}
    place = {"latitude": 13.7, "longitude": 100.5}

    def system(power: float, strings: Mapping[str, int]) -> dict[str, object]:
        parts = {
            name: string | {"jars": jars, "first_serial": f"{next(letters)}001"}
            for name, jars in strings.items()
        }
        return {"kind": "UPS", "rated_power": power, "strings": parts}

    parts = {
        name: place
        | {
            "region": REGIONS.get(name, "Bangkok"),
            "systems": {each: system(*part) for each, part in systems.items()},
        }
        for name, systems in sites.items()
    }
    return FleetFile.model_validate({"name": "Small", "models": {"M": MODEL}, "sites": parts})
