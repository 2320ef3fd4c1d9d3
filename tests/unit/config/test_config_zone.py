"""Time zones in the fleet file: known ones only, a site's own before the fleet's."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.fleetfile import read_fleet_file
from config.yamlfile import ConfigurationError
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
    assert fleet.zone == "Asia/Bangkok"
    assert {site.zone for site in fleet.sites} == {"Asia/Bangkok"}


def test_a_site_can_be_in_a_zone_of_its_own(tmp_path: Path) -> None:
    file = changed(tmp_path, "  Chiangmai:\n", "  Chiangmai:\n    zone: Europe/Berlin\n")
    zones = [site.zone for site in build_fleet(read_fleet_file(file)).sites]
    assert (zones[0], *set(zones[1:])) == ("Europe/Berlin", "Asia/Bangkok")


@pytest.mark.parametrize("zone", ["Asia/Bangkock", "../../etc/passwd", "Asia", '""', "+07:00"])
def test_an_unknown_zone_is_told_with_its_line(tmp_path: Path, zone: str) -> None:
    file = changed(tmp_path, "zone: Asia/Bangkok ", f"zone: {zone} ")
    with pytest.raises(ConfigurationError, match=r"fleet\.yaml:4: .*zone"):
        read_fleet_file(file)
