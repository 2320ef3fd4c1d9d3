"""`voltkeep train --from-historian`: what there is to learn from, and words where it is not enough."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from rollupbench import JAR, START, Bench

from historian.connections import connect
from historian.maintenance import Maintenance, Work, add_maintenance
from historian.rolledup import DAY
from historian.rows import scan_of
from nodeset.index import TagIndex
from server.errors import RequestError
from server.learning.retraining import Order
from server.learning.retrainingjob import own_outcomes
from server.traincli import train

STRING = {"model": "M", "jars": 3, "installed": "2024-01-01"}
FLEET = {
    "name": "Small",
    "models": {
        "M": {
            **{"manufacturer": "Make", "nominal_voltage": 12, "cells": 6, "capacity": 100},
            **{"cutoff_voltage": 10.5, "float_voltage": 13.6, "baseline_resistance": 3.0},
        }
    },
    "sites": {
        "Bangrak": {
            **{"region": "Bangkok", "latitude": 13.7, "longitude": 100.5},
            "systems": {
                "UPS-1": {
                    **{"kind": "UPS", "rated_power": 100},
                    "strings": {
                        "S01": STRING | {"first_serial": "A001"},
                        "S02": STRING | {"first_serial": "B001"},
                    },
                }
            },
        }
    },
}


@pytest.fixture
async def bench(either: str, small_index: TagIndex) -> AsyncIterator[Bench]:
    async with Bench.open(either, small_index) as bench:
        yield bench


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.yaml"
    path.write_text(yaml.safe_dump(FLEET))
    return path


async def command(bench: Bench, fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user has it, beside a server that runs."""
    monkeypatch.setenv("VOLTKEEP_HISTORIAN_URL", bench.conninfo)
    await asyncio.to_thread(
        train, target=fleet.with_name("own.zip"), fleet=fleet, from_historian=True, home=fleet.parent
    )


async def test_a_historian_without_enough_is_told_of_in_words(
    bench: Bench, fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RequestError, match="no days yet"):
        await command(bench, fleet, monkeypatch)
    await days(bench, 3)
    with pytest.raises(RequestError, match="tells of 3 days"):
        await command(bench, fleet, monkeypatch)
    await days(bench, 40)
    with pytest.raises(RequestError, match="0 were seen to fail; at least 30 are needed"):
        await command(bench, fleet, monkeypatch)


async def test_jars_that_failed_and_were_replaced_are_rows_as_those_of_plants_are(
    bench: Bench, fleet: Path
) -> None:
    await days(bench, 64)
    async with await connect(bench.conninfo) as connection:
        for kind, day in ((Work.FAILURE, 40), (Work.REPLACEMENT, 50)):
            begun = START + day * DAY
            work = Maintenance(JAR, kind, begun, begun, "Somchai", "worn out", begun, "somchai")
            await add_maintenance(connection, work)
    found = await own_outcomes(Order("Historian", str(fleet), bench.conninfo, ""))
    number = bench.index.fleet.index_of[JAR][1]
    place = found.unit // 100 % 1_000_000 == number
    assert found.rows == 2 * 6 - 1 + 1
    assert found.lived[place].tolist() == pytest.approx([10.0, 4.0])
    assert found.failed[place].tolist() == [True, False]
    assert not found.failed[~place].any()


async def days(bench: Bench, count: int) -> None:
    """Readings of so many days, rolled up."""
    for day in range(count):
        await bench.store.write(scan_of(bench.frame(START + day * DAY), bench.ids))
    await bench.roll(START + count * DAY)
