"""Set-points of a system.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COLUMNS = ("float_voltage_setpoint", "charge_current_limit")
# A view keeps the columns that its table had when it was made.
LATEST = (
    "CREATE VIEW system_latest AS SELECT reading.* FROM asset CROSS JOIN LATERAL "
    "(SELECT * FROM system_reading WHERE asset_id = asset.id ORDER BY ts DESC LIMIT 1) AS reading "
    "WHERE asset.type = 'System'"
)


def upgrade() -> None:
    _change("ADD COLUMN {} smallint")


def downgrade() -> None:
    _change("DROP COLUMN {}")


def _change(clause: str) -> None:
    op.execute("DROP VIEW system_latest")
    op.execute("ALTER TABLE system_reading " + ", ".join(clause.format(name) for name in COLUMNS))
    op.execute(LATEST)
