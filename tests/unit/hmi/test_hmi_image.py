"""The image of live values: a snapshot and the patches after it give a browser the same picture."""

from __future__ import annotations

import math
from typing import Any

from hmi.image import BAD_NO_COMMUNICATION, Column, Image, Layout, Table, rounded

UNCERTAIN = 0x4090_0000
LAYOUT = Layout(
    (
        Table("site", ("Bangrak",), (Column("Humidity", "Humidity"),)),
        Table("jars", ("B/J01", "B/J02"), (Column("Voltage", "Voltage", 2), Column("Health", "Health"))),
    )
)
VOLTAGE_2 = LAYOUT.identifiers.index("B/J02.Voltage")


def test_items_run_by_table_tag_and_row() -> None:
    assert LAYOUT.identifiers == (
        "Bangrak.Humidity",
        "B/J01.Voltage",
        "B/J02.Voltage",
        "B/J01.Health",
        "B/J02.Health",
    )


def test_nothing_is_good_before_it_came() -> None:
    content = Image(LAYOUT).content()
    assert content["v"] == [None] * 5
    assert set(content["s"]) == {"0", "1", "2", "3", "4"}


def test_a_change_is_told_once_at_its_resolution() -> None:
    image = Image(LAYOUT)
    image.take(VOLTAGE_2, 13.6789, 0, 1_000_000)
    assert image.changes() == {"i": [VOLTAGE_2], "v": [13.68], "t": 1000}
    assert image.changes() is None


def test_a_change_below_the_resolution_is_not_told() -> None:
    image = Image(LAYOUT)
    image.take(VOLTAGE_2, 13.6789, 0, 1)
    image.changes()
    image.take(VOLTAGE_2, 13.6791, 0, 2)
    assert image.changes() is None


def test_a_status_is_told_even_when_the_value_stays() -> None:
    image = Image(LAYOUT)
    image.take(VOLTAGE_2, 13.65, 0, 1)
    image.changes()
    image.take(VOLTAGE_2, 13.65, UNCERTAIN, 2)
    assert image.changes() == {"i": [VOLTAGE_2], "v": [13.65], "t": 0, "s": [UNCERTAIN]}


def test_a_lost_server_leaves_nothing_good() -> None:
    image = Image(LAYOUT)
    for item in range(5):
        image.take(item, 1.0, 0, 1)
    image.changes()
    image.lose()
    patch = image.changes()
    assert patch is not None
    assert patch["s"] == [BAD_NO_COMMUNICATION] * 5
    assert patch["v"] == [1.0] * 5


def test_source_times_only_where_asked_for() -> None:
    timed = Image(Layout(LAYOUT.tables, timed=True))
    timed.take(0, 50.0, 0, 5_000_000)
    timed.changes()
    timed.take(0, 50.0, 0, 6_000_000)
    assert timed.changes() == {"i": [0], "v": [50], "t": 6000, "ts": [6000]}
    plain = Image(LAYOUT)
    plain.take(0, 50.0, 0, 5_000_000)
    plain.changes()
    plain.take(0, 50.0, 0, 6_000_000)
    assert plain.changes() is None


def test_patches_applied_to_a_snapshot_give_the_next_snapshot() -> None:
    image = Image(LAYOUT)
    image.take(0, 50.0, 0, 1)
    image.changes()
    seen: dict[str, Any] = image.content()
    values = list(seen["v"])
    status = {int(i): s for i, s in seen["s"].items()}
    image.take(VOLTAGE_2, 13.6, UNCERTAIN, 2)
    image.take(0, 51.0, 0, 2)
    patch = image.changes()
    assert patch is not None
    for k, item in enumerate(patch["i"]):
        values[item] = patch["v"][k]
        status[item] = patch["s"][k]
    whole = image.content()
    assert values == whole["v"]
    assert {i: s for i, s in status.items() if s} == {int(i): s for i, s in whole["s"].items()}


def test_rounding() -> None:
    assert rounded(13.6789, 2) == 13.68
    assert rounded(1402.5, 0) == 1402
    assert rounded("Bangrak/UPS-1", 2) == "Bangrak/UPS-1"
    assert rounded(math.nan, 2) is None
    assert rounded(math.inf, 2) is None
