"""State of a jar's sensors, and its temperature above its neighbours'.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

from historian.tagcolumns import add_columns, drop_columns

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = {"sensor_state": "smallint", "temperature_excess": "smallint"}


def upgrade() -> None:
    add_columns("jar", COLUMNS)


def downgrade() -> None:
    drop_columns("jar", COLUMNS)
