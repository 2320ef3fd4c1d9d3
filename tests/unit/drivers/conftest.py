"""What the drivers' tests share: one site with two systems of unlike strings."""

from __future__ import annotations

import pytest
from smallfleets import index_of

from config.fleetfile import read_fleet_file
from config.settings import HERE
from nodeset.fleet import build_fleet
from nodeset.index import TagIndex


@pytest.fixture(scope="session")
def site_index() -> TagIndex:
    """Site A: UPS-1 with strings S01 (2 jars) and S02 (1 jar), UPS-2 with S03 (2 jars)."""
    return index_of({"A": {"UPS-1": (10, {"S01": 2, "S02": 1}), "UPS-2": (10, {"S03": 2})}})


@pytest.fixture(scope="session")
def default_index() -> TagIndex:
    """The variables of the fleet that ships."""
    return TagIndex(build_fleet(read_fleet_file(HERE / "fleet.yaml")))
