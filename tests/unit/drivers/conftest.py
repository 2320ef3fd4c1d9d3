"""What the drivers' tests share: one site with two systems of unlike strings."""

from __future__ import annotations

import pytest

from config.fleetfile import FleetFile, read_fleet_file
from config.settings import HERE
from nodeset.fleet import build_fleet
from nodeset.index import TagIndex


@pytest.fixture(scope="session")
def site_index() -> TagIndex:
    """Site A: UPS-1 with strings S01 (2 jars) and S02 (1 jar), UPS-2 with S03 (2 jars)."""
    model = {
        "manufacturer": "Hexa Power",
        "nominal_voltage": 12,
        "cells": 6,
        "capacity": 120,
        "cutoff_voltage": 10.5,
        "float_voltage": 13.65,
        "baseline_resistance": 3.4,
    }

    def string(name: str, jars: int) -> dict[str, object]:
        return {"model": "M", "jars": jars, "installed": "2024-03-01", "first_serial": f"{name}-1"}

    systems = {
        "UPS-1": {"S01": string("S01", 2), "S02": string("S02", 1)},
        "UPS-2": {"S03": string("S03", 2)},
    }
    site = {
        "region": "Bangkok",
        "latitude": 13.7,
        "longitude": 100.5,
        "systems": {
            name: {"kind": "UPS", "rated_power": 10, "strings": strings} for name, strings in systems.items()
        },
    }
    file = {"name": "F", "models": {"M": model}, "sites": {"A": site}}
    return TagIndex(build_fleet(FleetFile.model_validate(file)))


@pytest.fixture(scope="session")
def default_index() -> TagIndex:
    """The variables of the fleet that ships."""
    return TagIndex(build_fleet(read_fleet_file(HERE / "fleet.yaml")))
