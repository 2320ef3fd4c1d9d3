"""Columns of tags, for migrations: an asset type's readings, simulated readings, roll-ups and view of the
latest change together.

For migrations after 0005; the ones before it alter the readings, which the simulated ones were made like.
Roll-ups are there since 0010 and take part from then on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from alembic import op
from sqlalchemy import text

_ROLLED: Final = {"sum": "bigint", "count": "integer"}  # the others have the type of the column


def add_columns(
    asset: str, columns: Mapping[str, str], states: Collection[str] = (), names: Collection[str] = ()
) -> None:
    """Add columns, SQL types by name, to the tables of an asset type (`jar`).

    `states` names those that are no quantities: roll-ups keep no sum of them; of those that name an asset
    they keep nothing but how many there were.
    """
    rolled = [
        f"ADD COLUMN {name}_{part} {_ROLLED.get(part, kind)}"
        for name, kind in columns.items()
        for part in ("sum", "count", "min", "max")
        if not (part == "sum" and name in states) and (part == "count" or name not in names)
    ]
    _alter(asset, [f"ADD COLUMN {name} {kind}" for name, kind in columns.items()], rolled)


def drop_columns(asset: str, columns: Iterable[str]) -> None:
    """Drop columns, given by name, from the tables of an asset type."""
    names = list(columns)
    rolled = [
        f"DROP COLUMN IF EXISTS {name}_{part}" for name in names for part in ("sum", "count", "min", "max")
    ]
    _alter(asset, [f"DROP COLUMN {name}" for name in names], rolled)


def _alter(asset: str, clauses: list[str], rolled: list[str]) -> None:
    # A view keeps the columns that its table had when it was made.
    op.execute(f"DROP VIEW {asset}_latest")
    for table in (f"{asset}_reading", f"{asset}_simulated"):
        op.execute(f"ALTER TABLE {table} " + ", ".join(clauses))
    for table in (f"{asset}_hourly", f"{asset}_daily"):
        if op.get_bind().execute(text("SELECT to_regclass(:name)"), {"name": table}).scalar() is not None:
            op.execute(f"ALTER TABLE {table} " + ", ".join(rolled))
    op.execute(
        f"CREATE VIEW {asset}_latest AS SELECT reading.* FROM asset CROSS JOIN LATERAL "
        f"(SELECT * FROM {asset}_reading WHERE asset_id = asset.id ORDER BY ts DESC LIMIT 1) AS reading "
        f"WHERE asset.type = '{asset.capitalize()}'"
    )
