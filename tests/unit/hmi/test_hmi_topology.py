"""The fleet as browsed: parts by path, neighbours, and what is no part."""

from __future__ import annotations

import pytest

from hmi.display import fleet_layout, heat_layout, jar_layout, site_layout
from hmi.topology import Asset, Topology, _assemble, _is_part

STRING = "Hat Yai/UPS-1/S01"
JARS = [f"{STRING}/J{i:02d}" for i in range(1, 4)]
LEVELS = [{"Fleet": ["Hat Yai"]}, {"Hat Yai": ["Hat Yai/UPS-1"]}, {"Hat Yai/UPS-1": [STRING]}, {STRING: JARS}]
TOPOLOGY = Topology(2, _assemble("Fleet", LEVELS))


def test_parts_by_path() -> None:
    assert set(TOPOLOGY.by_path) == {"Hat Yai", "Hat Yai/UPS-1", STRING, *JARS}
    assert TOPOLOGY.by_path[STRING].parts == tuple(Asset(path[-3:], path) for path in JARS)


def test_neighbours_end_with_the_string() -> None:
    assert TOPOLOGY.neighbours(JARS[0]) == (None, JARS[1])
    assert TOPOLOGY.neighbours(JARS[1]) == (JARS[0], JARS[2])
    assert TOPOLOGY.neighbours(JARS[2]) == (JARS[1], None)
    assert TOPOLOGY.neighbours("Hat Yai") == (None, None)


@pytest.mark.parametrize(
    ("identifier", "prefix", "part"),
    [
        ("Bangrak", "", True),
        ("Analytics", "", False),
        ("Simulation", "", False),
        ("Historian", "", False),
        ("Bangrak/UPS-1", "Bangrak/", True),
        (f"{STRING}/J07", f"{STRING}/", True),
        (f"{STRING}/J07#TemperatureHigh", f"{STRING}/J07/", False),
        ("Bangrak#MainsLost", "Bangrak/", False),
        ("Analytics.PredictRul", "", False),
    ],
)
def test_conditions_and_methods_are_no_parts(identifier: str, prefix: str, part: bool) -> None:
    assert _is_part(identifier, prefix) is part


def test_layouts_name_the_variables_of_the_server() -> None:
    site = site_layout(TOPOLOGY.by_path["Hat Yai"]).identifiers
    assert "Hat Yai.AmbientTemperature" in site
    assert "Hat Yai/UPS-1.Load" in site
    assert f"{STRING}.WeakestJar" in site
    assert f"{JARS[2]}.StateOfHealth" in site
    fleet = fleet_layout(TOPOLOGY).identifiers
    assert "Fleet.StateOfHealthFrom0095To0101" in fleet
    assert "Fleet.RemainingUsefulLifeFrom1825To9132" in fleet
    assert f"{JARS[0]}.RulConfidence" in jar_layout(TOPOLOGY.by_path[JARS[0]]).identifiers


def test_a_heatmap_is_one_tag_of_every_jar_in_the_fleets_order() -> None:
    layout = heat_layout(TOPOLOGY, "Voltage")
    assert layout.identifiers == tuple(f"{jar}.Voltage" for jar in JARS)
    assert set(layout.decimals) == {3}
    with pytest.raises(KeyError):
        heat_layout(TOPOLOGY, "Nonsense")
