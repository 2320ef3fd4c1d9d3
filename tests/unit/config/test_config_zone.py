"""Time zones in the fleet file: known ones only, a site's own before the fleet's."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.fleetfile import read_fleet_file
from config.yamlfile import ConfigurationError
from config.zone import date_at, time_on
from nodeset.fleet import build_fleet

SHIPPED = Path(__file__).parents[3] / "config" / "fleet.yaml"


def changed(path: Path, old: str, new: str) -> Path:
    """The shipped file with one change."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file = path / "fleet.yaml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


def test_a_site_is_in_the_zone_of_the_fleet() -> None:
    fleet = build_fleet(read_fleet_file(SHIPPED))
    assert fleet.zone.key == "Asia/Bangkok"
    assert {site.zone for site in fleet.sites} == {fleet.zone}


def test_a_site_can_be_in_a_zone_of_its_own(tmp_path: Path) -> None:
    file = changed(tmp_path, "  Chiangmai:\n", "  Chiangmai:\n    zone: Europe/Berlin\n")
    zones = [site.zone.key for site in build_fleet(read_fleet_file(file)).sites]
    assert (zones[0], *set(zones[1:])) == ("Europe/Berlin", "Asia/Bangkok")


def test_what_is_of_one_zone_is_told_in_it(tmp_path: Path) -> None:
    file = changed(tmp_path, "  Chiangmai:\n", "  Chiangmai:\n    zone: Europe/Berlin\n")
    fleet = build_fleet(read_fleet_file(file))
    own = ["Chiangmai.MainsState", "Chiangmai/UPS-1/S01/J01.Voltage"]
    fleets = ["Bangrak", "**.Voltage", "Fleet.Jars"]
    assert fleet.zone_of(own).key == "Europe/Berlin"
    assert {fleet.zone_of(each).key for each in (fleets, own + fleets, [])} == {"Asia/Bangkok"}


@pytest.mark.parametrize("zone", ["Asia/Bangkock", "../../etc/passwd", "Asia", '""', "+07:00"])
def test_an_unknown_zone_is_told_with_its_line(tmp_path: Path, zone: str) -> None:
    file = changed(tmp_path, "zone: Asia/Bangkok ", f"zone: {zone} ")
    with pytest.raises(ConfigurationError, match=r"fleet\.yaml:4: .*zone"):
        read_fleet_file(file)


def at(moment: str) -> int:
    return round(dt.datetime.fromisoformat(moment).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("zone", "last", "first"),
    [
        ("Asia/Bangkok", "2026-12-31T16:59:59.999999Z", "2026-12-31T17:00Z"),
        ("Asia/Kathmandu", "2026-12-31T18:14:59.999999Z", "2026-12-31T18:15Z"),
        ("America/St_Johns", "2027-01-01T03:29:59.999999Z", "2027-01-01T03:30Z"),
    ],
)
def test_the_day_turns_at_the_zones_own_midnight(zone: str, last: str, first: str) -> None:
    assert date_at(at(last), ZoneInfo(zone)) == dt.date(2026, 12, 31)
    assert date_at(at(first), ZoneInfo(zone)) == dt.date(2027, 1, 1)


def test_an_hour_of_a_day_follows_summer_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert time_on(dt.date(2026, 1, 15), 8, berlin) == at("2026-01-15T07:00Z")
    assert time_on(dt.date(2026, 7, 15), 8, berlin) == at("2026-07-15T06:00Z")
    assert time_on(dt.date(2026, 7, 15), 8, ZoneInfo("Asia/Kathmandu")) == at("2026-07-15T02:15Z")
