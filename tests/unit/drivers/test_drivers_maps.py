"""Register maps: what ships is right, and what is wrong is named with line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.yamlfile import ConfigurationError
from drivers.layout import points_of
from drivers.registermap import RegisterMap, read_map
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
    points = points_of(site_index, read_map("reference"), 0)
    assert sorted(points.row.tolist()) == sorted(site_index.measured().tolist())
    taken = {
        (int(u), int(a) + k)
        for u, a, w in zip(points.unit, points.address, points.width, strict=True)
        for k in range(w)
    }
    assert len(taken) == points.width.sum()


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


def test_addresses_beyond_the_last_register_are_refused(site_index: TagIndex) -> None:
    register = {"asset": "Jar", "tag": "Voltage", "address": 65_534, "type": "u16", "unit": "V"}
    found = RegisterMap.model_validate({"name": "High", "device": "system", "registers": [register]})
    with pytest.raises(ConfigurationError, match="a device of A needs addresses over 65535"):
        points_of(site_index, found, 0)
