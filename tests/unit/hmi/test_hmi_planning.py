"""The maintenance plan becomes visits with their jars, and a matrix that agrees with them."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from hmi.planning import Cell, Job, matrix, plan_of
from hmi.topology import Asset, Topology

MORNING = dt.datetime(2026, 11, 30, 1, tzinfo=dt.UTC)
EVENING = MORNING + dt.timedelta(hours=12)
DAY = dt.timedelta(days=1)
COLUMNS: list[Any] = [
    ["Bangrak", "Phuket", "Bangrak"],
    [MORNING, MORNING + DAY, MORNING + 40 * DAY],
    [EVENING, EVENING + DAY, EVENING + 40 * DAY],
    ["2026-Q4", "2026-Q4", "2027-Q1"],
    [2, 1, 1],
    [30_000.0, 18_000.0, 17_000.0],
    ["", "MONSOON LATE", ""],
    ["Bangrak/UPS-1/S01/J01", "Bangrak/UPS-1/S01/J02", "Phuket/UPS-1/S01/J01", "Bangrak/UPS-1/S03/J07"],
    [0, 0, 1, 2],
    ["2026-Q4", "2027-Q2", "2026-Q4", "2027-Q1"],
    ["DUE", "WHOLE_STRING", "LATE", "DUE"],
    ["Bangrak/UPS-1/S01"],
    65_000.0,
    80_000.0,
    1_200.0,
    "THB",
]
JARS = tuple(Asset(name, f"Bangrak/UPS-1/S01/{name}") for name in ("J01", "J02"))
STRING = Asset("S01", "Bangrak/UPS-1/S01", JARS)
FLEET = Topology(3, (Asset("Bangrak", "Bangrak", (Asset("UPS-1", "Bangrak/UPS-1", (STRING,)),)),))


def test_visits_with_their_jars() -> None:
    plan = plan_of(COLUMNS)
    first, second, _ = plan.visits
    assert (first.site, first.quarter, first.replacements, first.notes) == ("Bangrak", "2026-Q4", 2, ())
    assert first.begins == 1_796_000_400_000
    assert first.ends - first.begins == 12 * 3_600_000
    assert first.jobs[1] == Job("Bangrak/UPS-1/S01/J02", "2027-Q2", "WHOLE_STRING")
    assert second.notes == ("MONSOON", "LATE")
    assert (plan.cost, plan.separate_cost, plan.given_up, plan.currency) == (65_000, 80_000, 1_200, "THB")
    assert plan.whole_strings == ("Bangrak/UPS-1/S01",)


def test_the_matrix_sums_the_visits() -> None:
    plan = plan_of([*COLUMNS[:3], ["2026-Q4", "2026-Q4", "2026-Q4"], *COLUMNS[4:]])
    assert matrix(plan.visits) == (
        Cell("Bangrak", "2026-Q4", 2, 3, 47_000.0),
        Cell("Phuket", "2026-Q4", 1, 1, 18_000.0),
    )
    told = json.loads(json.dumps(plan.as_json(FLEET)))
    assert sum(cell["replacements"] for cell in told["cells"]) == len(COLUMNS[7])


def test_a_string_is_replaced_where_all_its_jars_are() -> None:
    first, second, third = plan_of(COLUMNS).as_json(FLEET)["visits"]
    assert first["assets"] == ["Bangrak/UPS-1/S01"]
    assert second["assets"] == ["Phuket/UPS-1/S01/J01"]
    assert third["assets"] == ["Bangrak/UPS-1/S03/J07"]


def test_nothing_is_to_be_done() -> None:
    plan = plan_of([None] * 12 + [0.0, 0.0, 0.0, "THB"])
    assert (plan.visits, plan.whole_strings, plan.as_json(FLEET)["cells"]) == ((), (), [])
