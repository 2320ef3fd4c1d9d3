"""Predictions that have matured: what was said a week ago beside what is known since."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from historian.connections import connect
from historian.maintenance import Maintenance, Work, add_maintenance
from historian.matured import DAY, read_matured
from historian.models import Model, add_model
from historian.predictions import Prediction, add_predictions

NOW = 1_767_225_600_000_000  # 2026-01-01
JARS = [f"Bangrak/UPS-1/S01/J{number:02d}" for number in range(1, 6)]


def said(jar: str, ago: float, days: float, version: str = "rul-1") -> Prediction:
    return Prediction(version, jar, NOW - round(ago * DAY), 0, days, days / 2, 2 * days, "High")


async def test_what_was_said_is_compared_with_what_came(database: str) -> None:
    steady, failed, replaced, silent, young = JARS
    work = Maintenance(failed, Work.FAILURE, NOW - 5 * DAY, NOW - 5 * DAY, "anna", "", NOW, "anna")
    async with await connect(database) as connection:
        for jar in JARS:
            await connection.execute("INSERT INTO asset (type, path) VALUES ('Jar', %s)", (jar,))
        for version in ("rul-1", "rul-2"):
            await add_model(connection, Model(version, "rul", NOW, NOW, NOW, b"\x01" * 32))
        await add_predictions(
            connection,
            [
                *(
                    said(steady, ago, days)
                    for ago, days in ((50, 900), (9, 400), (8, 300), (1, 280), (0.5, 250))
                ),
                said(failed, 10, 60),
                said(replaced, 8, 500),
                said(replaced, 1, 3000),
                said(silent, 8, 700),
                said(young, 3, 800),
                said(young, 8, 800, "rul-2"),
            ],
        )
        await add_maintenance(connection, work)
        await add_maintenance(connection, replace(work, asset=replaced, kind=Work.REPLACEMENT))
        found = await read_matured(connection, "rul-1", NOW)
    rows = sorted(zip(found.then, found.now, found.passed, found.failed, strict=True), key=lambda row: row[0])
    assert [(row[0], row[2], row[3]) for row in rows] == [
        (60, 5, True),
        (300, 8, False),
        (500, 8, False),
        (700, 8, False),
    ]
    np.testing.assert_allclose([row[1] for row in rows], [np.nan, 249.5, np.nan, np.nan])
