"""On TimescaleDB: readings and roll-ups can be compressed, an asset's rows together and in the order of time.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ASSETS = ("fleet", "site", "system", "string", "jar")
ORDERS = {"reading": "ts", "hourly": "ts, quality", "daily": "ts, quality"}
COMPRESSED = (
    "SELECT decompress_chunk(format('%I.%I', chunk_schema, chunk_name)::regclass) "
    "FROM timescaledb_information.chunks WHERE is_compressed AND hypertable_name = '{table}'"
)


def upgrade() -> None:
    if not _timescale():
        return
    for asset in ASSETS:
        for kind, order in ORDERS.items():
            op.execute(
                f"ALTER TABLE {asset}_{kind} SET (timescaledb.compress, "
                f"timescaledb.compress_segmentby = 'asset_id', timescaledb.compress_orderby = '{order}')"
            )


def downgrade() -> None:
    if not _timescale():
        return
    for asset in ASSETS:
        for kind in ORDERS:
            op.execute(COMPRESSED.format(table=f"{asset}_{kind}"))
            op.execute(f"ALTER TABLE {asset}_{kind} SET (timescaledb.compress = false)")


def _timescale() -> bool:
    found = op.get_bind().execute(text("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"))
    return found.first() is not None
