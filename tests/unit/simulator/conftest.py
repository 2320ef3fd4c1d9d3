"""What the simulator's tests share: the fleet that ships, a small one, and a quiet moment."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from plantreadings import Stage
from smallfleets import index_of

from config.fleetfile import read_fleet_file
from config.settings import HERE
from nodeset.fleet import build_fleet
from nodeset.index import TagIndex
from simulator.plant import Plant

DATA = Path(__file__).parents[4] / "shared" / "data"
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
    bangrak = {"UPS-1": (20, {"S01": 12, "S02": 12})}
    return index_of({"Bangrak": bangrak, "Phuket": {"UPS-1": (10, {"S01": 12})}})


@pytest.fixture
def plant(two_sites: TagIndex, quiet: int) -> Plant:
    """A plant of two sites on float."""
    return Plant(two_sites, SEED, quiet)


@pytest.fixture
def stage(plant: Plant) -> Stage:
    """That plant with scenarios on copies of it."""
    return Stage(plant)


@pytest.fixture(scope="session")
def c10() -> NDArray[np.void]:
    """A recorded 10 h discharge of the reference jar, minute by minute."""
    path = DATA / "oracle/cc_C10_25C.csv"
    if not path.exists():
        pytest.skip("the recordings are not here")
    found: NDArray[np.void] = np.genfromtxt(path, delimiter=",", names=True)
    return found
