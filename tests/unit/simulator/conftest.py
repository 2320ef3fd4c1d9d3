"""What the simulator's tests share: the fleet that ships, a small one, and a quiet moment."""

from __future__ import annotations

import datetime as dt

import pytest

from config.fleetfile import FleetFile, read_fleet_file
from config.settings import HERE
from nodeset.fleet import build_fleet
from nodeset.index import TagIndex
from simulator.plant import Plant

SEED = 1


@pytest.fixture(scope="session")
def quiet() -> int:
    """A time [µs] far from any outage of the fleets below."""
    return int(dt.datetime(2026, 11, 10, 5, tzinfo=dt.UTC).timestamp() * 1e6)


@pytest.fixture(scope="session")
def thailand() -> TagIndex:
    """The variables of the fleet that ships."""
    return TagIndex(build_fleet(read_fleet_file(HERE / "fleet.yaml")))


@pytest.fixture(scope="session")
def two_sites() -> TagIndex:
    """Two sites; the first has a system of two strings, each string has twelve jars."""
    model = {
        "manufacturer": "Hexa Power",
        "nominal_voltage": 12,
        "cells": 6,
        "capacity": 120,
        "cutoff_voltage": 10.5,
        "float_voltage": 13.65,
        "baseline_resistance": 3.4,
    }
    strings = [
        {"model": "M", "jars": 12, "installed": "2024-03-01", "first_serial": f"{letter}001"}
        for letter in "ABC"
    ]
    one = {"kind": "UPS", "rated_power": 20, "strings": {"S01": strings[0], "S02": strings[1]}}
    two = {"kind": "UPS", "rated_power": 10, "strings": {"S01": strings[2]}}
    place = {"latitude": 13.7, "longitude": 100.5}
    file = {
        "name": "Two",
        "models": {"M": model},
        "sites": {
            "Bangrak": {"region": "Bangkok", **place, "systems": {"UPS-1": one}},
            "Phuket": {"region": "Southern", **place, "systems": {"UPS-1": two}},
        },
    }
    return TagIndex(build_fleet(FleetFile.model_validate(file)))


@pytest.fixture
def plant(two_sites: TagIndex, quiet: int) -> Plant:
    """A plant of two sites on float."""
    return Plant(two_sites, SEED, quiet)
