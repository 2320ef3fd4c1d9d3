"""Columns of tags, for migrations: an asset type's readings, simulated readings and view of the latest change
together.

For migrations after 0005; the ones before it alter the readings, which the simulated ones were made like.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alembic import op


def add_columns(asset: str, columns: Mapping[str, str]) -> None:
    """Add columns, SQL types by name, to the tables of an asset type (`jar`)."""
    _alter(asset, [f"ADD COLUMN {name} {kind}" for name, kind in columns.items()])


def drop_columns(asset: str, columns: Iterable[str]) -> None:
    """Drop columns, given by name, from the tables of an asset type."""
    _alter(asset, [f"DROP COLUMN {name}" for name in columns])


def _alter(asset: str, clauses: list[str]) -> None:
    # A view keeps the columns that its table had when it was made.
    op.execute(f"DROP VIEW {asset}_latest")
    for table in (f"{asset}_reading", f"{asset}_simulated"):
        op.execute(f"ALTER TABLE {table} " + ", ".join(clauses))
    op.execute(
        f"CREATE VIEW {asset}_latest AS SELECT reading.* FROM asset CROSS JOIN LATERAL "
        f"(SELECT * FROM {asset}_reading WHERE asset_id = asset.id ORDER BY ts DESC LIMIT 1) AS reading "
        f"WHERE asset.type = '{asset.capitalize()}'"
    )
