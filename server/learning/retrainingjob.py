"""A training in a process of its own: `python -m server.learning.retrainingjob`, its order on standard input.

How far it is, it tells on standard output, a JSON object a line; the artefact goes to the file of the order.
What an installation's own jars have come to is learnt from like plant years are: daily roll-ups, and what the
record of maintenance says of failures and replacements.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from server.learning.retraining import Order

if TYPE_CHECKING:
    import psycopg

    from analytics.history import Days
    from analytics.model import RulModel
    from analytics.outcomes import Outcomes
    from nodeset.fleet import Fleet
    from simulator.occurrences import Occurrence

SEEDS: Final = (301, 302)  # of plants: not those that the shipped model was trained or tested on
OWN: Final = 1_000_000  # stands for a seed where jars are real
BRIEF: Final = 0.1  # share of rows with a short history, as after a first start
HISTORIAN: Final = "historian"
_YEAR: Final = 365  # d
_SECONDS: Final = 86_400

Tell = Callable[[float, str], None]


def train(order: Order, tell: Tell) -> RulModel:
    """The model of an order, with the figures of its test rows on its card. `TrainingError`."""
    from config.fleetfile import read_fleet_file
    from server.learning import training

    file = read_fleet_file(Path(order.fleet))
    if order.source == "PlantYears":
        return training.train_from_plants(training.Order(file, SEEDS), 1, tell)
    tell(0.0, "reading what became of the jars")
    outcomes = asyncio.run(own_outcomes(order))
    return training.train_from(outcomes, file, HISTORIAN, lambda share: tell(share, "learning"))


async def own_outcomes(order: Order) -> Outcomes:
    """What became of the installation's own jars, as far as its historian knows. `TrainingError`."""
    from analytics.training import TrainingError
    from config.fleetfile import read_fleet_file
    from historian.connections import connect
    from nodeset.fleet import build_fleet
    from server.learning.outcomesof import EVERY, outcomes_of
    from server.learning.plantyears import PlantYears, Record

    file = read_fleet_file(Path(order.fleet))
    fleet = build_fleet(file)
    async with await connect(order.conninfo) as connection:
        first, after = await _span(connection)
        if after - first <= EVERY:
            raise TrainingError(f"The historian tells of {after - first} days; a row takes {EVERY} of them.")
        days = await _days(connection, fleet, first, after)
        log = await _log(connection, fleet)
    return outcomes_of(PlantYears(file, OWN, first, after), Record(fleet, days, log), BRIEF)


async def _span(connection: psycopg.AsyncConnection) -> tuple[int, int]:
    """The first day [since 1970] that roll-ups tell of, and the day after the last."""
    from analytics.training import TrainingError

    query = "SELECT min(extract(epoch FROM ts)), max(extract(epoch FROM ts)) FROM jar_daily"
    row = await (await connection.execute(query)).fetchone()
    if row is None or row[0] is None:
        raise TrainingError("The historian has no days yet.")
    return int(row[0] // _SECONDS), int(row[1] // _SECONDS) + 1


async def _days(connection: psycopg.AsyncConnection, fleet: Fleet, first: int, after: int) -> Days:
    """All days, a year at a time."""
    from analytics.history import Days
    from analytics.parameters import Parameters
    from server.learning.days import RecentDays

    parameters, parts = Parameters.of(fleet), []
    for end in range(first + _YEAR, after + _YEAR, _YEAR):
        part, _ = await RecentDays().read(connection, fleet, parameters, end)
        parts.append(part)
    names = [each.name for each in fields(Days) if each.name != "first"]
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])[: after - first] for name in names
    }
    return Days(parts[0].first, **joined)


async def _log(connection: psycopg.AsyncConnection, fleet: Fleet) -> tuple[Occurrence, ...]:
    """Failures and replacements on record, oldest first."""
    from simulator.occurrences import Occurrence, OccurrenceKind

    kinds = {"Failure": OccurrenceKind.JAR_FAILED, "Replacement": OccurrenceKind.JAR_REPLACED}
    query = (
        "SELECT (extract(epoch FROM began) * 1000000)::bigint, kind, path, note FROM maintenance "
        "JOIN asset ON asset.id = asset_id WHERE kind = ANY(%s) ORDER BY began"
    )
    rows = await (await connection.execute(query, (list(kinds),))).fetchall()
    return tuple(Occurrence(int(time), kinds[kind], path, note) for time, kind, path, note in rows)


def main() -> None:
    """The process."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from analytics.training import TrainingError

    def say(**what: object) -> None:
        print(json.dumps(what), flush=True)

    order = Order.from_json(sys.stdin.readline())
    try:
        model = train(order, lambda share, text: say(progress=share, message=text))
    except TrainingError as error:
        say(error=str(error))
        return
    Path(order.target).write_bytes(model.to_bytes())


if __name__ == "__main__":
    main()
