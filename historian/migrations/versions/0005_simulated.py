"""Simulated readings, in tables like those of the readings.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ASSETS = ("fleet", "site", "system", "string", "jar")


def upgrade() -> None:
    for asset in ASSETS:
        op.execute(
            f"CREATE TABLE {asset}_simulated (LIKE {asset}_reading, PRIMARY KEY (asset_id, ts)) "
            "PARTITION BY LIST (asset_id)"
        )


def downgrade() -> None:
    for asset in ASSETS:
        op.execute(f"DROP TABLE {asset}_simulated")
