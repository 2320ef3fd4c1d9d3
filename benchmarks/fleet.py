"""The fleet that everything is measured with: the shipped one."""

from __future__ import annotations

from config.fleetfile import read_fleet_file
from config.settings import Settings
from nodeset.fleet import build_fleet
from nodeset.index import TagIndex


def shipped_index() -> TagIndex:
    """The variables of the shipped fleet."""
    return TagIndex(build_fleet(read_fleet_file(Settings().fleet)))
