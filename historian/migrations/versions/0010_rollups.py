"""Hourly and daily roll-ups, and which hours and days are due.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

from historian.engine import after_create, table_suffix

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ASSETS = ("fleet", "site", "system", "string", "jar")
CHUNKS = {"hourly": "30 days", "daily": "360 days"}
# Columns whose sum says nothing, and one whose values have no order either.
STATES = {
    "operating_mode",
    "hvac_state",
    "mains_state",
    "gateway_state",
    "rul_confidence",
    "replacement_quarter",
    "health_status",
    "sensor_state",
}
NAMES = {"weakest_jar"}
DUE = (
    "CREATE TABLE rollup_due (hour timestamptz PRIMARY KEY, changes integer NOT NULL DEFAULT 1)",
    "CREATE TABLE rollup_due_day (day timestamptz PRIMARY KEY)",
    "CREATE TABLE dropped_day (day timestamptz PRIMARY KEY)",
    "CREATE TABLE clustered_partition (name text PRIMARY KEY)",
    # What earlier versions have written.
    "INSERT INTO rollup_due (hour) SELECT DISTINCT date_trunc('hour', ts, 'UTC') FROM fleet_reading",
)


def upgrade() -> None:
    found = op.get_bind().execute(text("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"))
    timescale = found.first() is not None
    for asset in ASSETS:
        columns = ", ".join(_columns(asset))
        for period, chunk in CHUNKS.items():
            table = f"{asset}_{period}"
            op.execute(
                f"CREATE TABLE {table} ({columns}, PRIMARY KEY (asset_id, ts, quality))"
                f"{table_suffix(timescale)}"
            )
            more = after_create(timescale, table, chunk)
            if more is not None:
                op.execute(more)
            op.execute(f"CREATE INDEX {table}_ts ON {table} (ts)")
    for statement in DUE:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE rollup_due, rollup_due_day, dropped_day, clustered_partition")
    for asset in ASSETS:
        for period in CHUNKS:
            op.execute(f"DROP TABLE {asset}_{period}")


def _columns(asset: str) -> list[str]:
    """Those of a roll-up of the asset's readings, wide ones first."""
    found = op.get_bind().execute(
        text(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :table "
            "AND table_schema = current_schema() AND column_name NOT IN ('ts', 'asset_id', 'quality')"
        ),
        {"table": f"{asset}_reading"},
    )
    tags = [(row[0], row[1]) for row in found]
    extremes = [(name, kind) for name, kind in tags if name not in NAMES]
    extremes.sort(key=lambda column: column[1] == "smallint")
    return [
        "ts timestamptz NOT NULL",
        "asset_id integer NOT NULL",
        "quality integer NOT NULL",
        "rows integer NOT NULL",
        *(f"{name}_sum bigint" for name, _ in tags if name not in STATES | NAMES),
        *(f"{name}_count integer" for name, _ in tags),
        *(f"{name}_{end} {kind}" for name, kind in extremes for end in ("min", "max")),
    ]
