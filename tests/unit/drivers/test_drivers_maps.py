"""Register maps: what ships is right, and what is wrong is named with line and key."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.yamlfile import ConfigurationError
from drivers.layout import points_of
from drivers.mapfile import read_map
from drivers.registermap import RegisterMap
from nodeset.index import TagIndex
from nodeset.tags import TAGS, Origin

WRONG = Path(__file__).parent / "maps"


@pytest.mark.parametrize("name", sorted(path.stem for path in WRONG.glob("*.yaml")))
def test_wrong_map_is_refused_with_line_and_key(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_map(str(WRONG / f"{name}.yaml"))
    expected = (WRONG / f"{name}.error").read_text().splitlines()
    assert str(caught.value).splitlines() == [f"{WRONG}/{line}" for line in expected]


def test_unknown_map_names_those_that_ship() -> None:
    with pytest.raises(ConfigurationError, match=r"no map 'acme' \(shipped: .*reference"):
        read_map("acme")


def test_reference_map_holds_every_measured_tag() -> None:
    held = {(register.asset, register.tag) for register in read_map("reference").registers}
    assert held == {tag.key for tag in TAGS if tag.origin is Origin.MEASURED}


def test_every_value_of_a_site_has_its_own_registers(site_index: TagIndex) -> None:
    found = read_map("reference")
    points, _ = points_of(site_index, found, 0)
    width = np.array([register.type.width for register in found.registers])[points.register]
    assert sorted(points.row.tolist()) == sorted(site_index.measured().tolist())
    taken = {
        (int(u), int(a) + k)
        for u, a, w in zip(points.unit, points.address, width, strict=True)
        for k in range(w)
    }
    assert len(taken) == width.sum()


def test_blocks_that_run_into_each_other_are_refused(site_index: TagIndex) -> None:
    found = RegisterMap.model_validate(
        {
            "name": "Tight",
            "device": "system",
            "registers": [
                {"asset": "Jar", "tag": "Voltage", "address": 0, "type": "u16", "unit": "V"},
                {"asset": "String", "tag": "Current", "address": 2, "type": "s16", "unit": "A"},
            ],
        }
    )
    text = "Jar Voltage and String Current both want register 2 of unit 1 at A"
    with pytest.raises(ConfigurationError, match=text):
        points_of(site_index, found, 0)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"time": {"address": 3}}, "Jar Voltage and the time both want register 3 of unit 1 at A"),
        ({"page": 1}, "Jar Voltage at register 0 crosses a page of 1"),
        ({"first_unit": 246}, "A has 248 devices; a gateway has 247 unit ids"),
        ({"blocks": {"jars": 1, "next": 1}}, "Jar Voltage and Jar Voltage both want register 1"),
        ({"blocks": {"jars": 1, "next": 65_535}}, "a device of A needs addresses over 65535"),
    ],
)
def test_what_has_no_room_is_refused(site_index: TagIndex, changes: dict[str, object], text: str) -> None:
    voltage = {"asset": "Jar", "tag": "Voltage", "address": 0, "type": "u32", "unit": "V"}
    table = {"name": "Tight", "device": "string", "registers": [voltage]}
    found = RegisterMap.model_validate(table | changes)
    with pytest.raises(ConfigurationError, match=text):
        points_of(site_index, found, 0)


def test_addresses_beyond_the_last_register_are_refused(site_index: TagIndex) -> None:
    register = {"asset": "Jar", "tag": "Voltage", "address": 65_534, "type": "u16", "unit": "V"}
    found = RegisterMap.model_validate({"name": "High", "device": "system", "registers": [register]})
    with pytest.raises(ConfigurationError, match="a device of A needs addresses over 65535"):
        points_of(site_index, found, 0)
