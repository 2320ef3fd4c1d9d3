"""The fleet's topology: slices and index arrays agree with paths, and nameplates with the file."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from config.fleetfile import FleetFile, read_fleet_file
from config.settings import HERE
from nodeset.fleet import AssetType, Fleet, build_fleet
from nodeset.nameplate import nameplate_of


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return build_fleet(read_fleet_file(HERE / "fleet.yaml"))


def test_counts_of_the_shipped_fleet(fleet: Fleet) -> None:
    assert {asset.value: fleet.count(asset) for asset in AssetType} == {
        "Fleet": 1, "Site": 9, "System": 21, "String": 81, "Jar": 1944,
    }  # fmt: skip


def test_every_part_lies_under_its_parent(fleet: Fleet) -> None:
    for i, jar in enumerate(fleet.jars):
        site, system, string, name = jar.path.split("/")
        assert fleet.strings[fleet.string_of_jar[i]].path == f"{site}/{system}/{string}"
        assert fleet.systems[fleet.system_of_jar[i]].path == f"{site}/{system}"
        assert fleet.sites[fleet.site_of_jar[i]].path == site
        assert (jar.name, f"J{jar.position:02d}") == (name, name)


def test_slices_cover_the_fleet_once(fleet: Fleet) -> None:
    everything = np.arange(len(fleet.jars))
    by_site = [everything[fleet.jars_of_site(i)] for i in range(9)]
    assert [len(jars) for jars in by_site] == [216] * 9
    assert np.concatenate(by_site).tolist() == everything.tolist()
    by_system = [everything[fleet.jars_of_system(i)] for i in range(21)]
    assert np.concatenate(by_system).tolist() == everything.tolist()
    assert fleet.first_jar_of_string.tolist() == list(range(0, 1944, 24))
    assert fleet.first_jar_of_site.tolist() == list(range(0, 1944, 216))


def test_paths_find_their_asset(fleet: Fleet) -> None:
    kind, i = fleet.index_of["Bangrak/UPS-1/S03/J07"]
    assert (kind, fleet.jars[i].path) == (AssetType.JAR, "Bangrak/UPS-1/S03/J07")
    assert fleet.index_of["Fleet"] == (AssetType.FLEET, 0)
    assert len(fleet.index_of) == 1 + 9 + 21 + 81 + 1944


def test_serial_numbers_are_unique(fleet: Fleet) -> None:
    assert len({jar.serial for jar in fleet.jars}) == 1944


def test_a_replaced_jar_has_a_nameplate_of_its_own() -> None:
    fleet = build_fleet(
        FleetFile.model_validate(
            {
                "name": "Test",
                "models": {
                    "M12": {
                        "manufacturer": "Maker",
                        "nominal_voltage": 12,
                        "cells": 6,
                        "capacity": 100,
                        "cutoff_voltage": 10.5,
                        "float_voltage": 13.65,
                        "baseline_resistance": 3.5,
                        "warranty": 2,
                    }
                },
                "sites": {
                    "North": {
                        "region": "Northern",
                        "latitude": 18.8,
                        "longitude": 98.9,
                        "systems": {
                            "UPS-1": {
                                "kind": "UPS",
                                "rated_power": 100,
                                "strings": {
                                    "S01": {
                                        "model": "M12",
                                        "jars": 3,
                                        "installed": "2022-01-31",
                                        "first_serial": "T-09",
                                        "baseline_resistance": [3.4, 3.5, 3.6],
                                    }
                                },
                            }
                        },
                    }
                },
                "jars": {"North/UPS-1/S01/J02": {"serial": "X1", "installed": "2025-06-01"}},
            }
        )
    )
    plates = [{prop.name: prop.get(jar) for prop in nameplate_of(AssetType.JAR)} for jar in fleet.jars]
    assert [plate["SerialNumber"] for plate in plates] == ["T-09", "X1", "T-11"]
    assert [plate["BaselineResistance"] for plate in plates] == [3.4, 3.5, 3.6]
    assert plates[0]["WarrantyEnd"] == dt.datetime(2024, 1, 31, tzinfo=dt.UTC)
    assert plates[1]["InstallationDate"] == dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
    assert plates[2] == {
        "Manufacturer": "Maker",
        "Model": "M12",
        "SerialNumber": "T-11",
        "Position": 3,
        "InstallationDate": dt.datetime(2022, 1, 31, tzinfo=dt.UTC),
        "WarrantyEnd": dt.datetime(2024, 1, 31, tzinfo=dt.UTC),
        "BaselineResistance": 3.6,
        "RatedCapacity": 100,
    }
    (site,) = fleet.sites
    plate = [prop.get(site) for prop in nameplate_of(AssetType.SITE)]
    assert plate == ["Northern", 18.8, 98.9, "Asia/Bangkok"]
