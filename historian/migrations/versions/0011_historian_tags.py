"""How the historian itself does, among the readings of the fleet.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

from historian.tagcolumns import add_columns, drop_columns

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMNS = {
    "historian_state": "smallint",
    "historian_lag": "integer",
    "historian_waiting": "integer",
    "historian_dropped": "integer",
    "historian_spill_used": "smallint",
}


def upgrade() -> None:
    add_columns("fleet", COLUMNS, states={"historian_state"})


def downgrade() -> None:
    drop_columns("fleet", COLUMNS)
