"""How each site's gateway does.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

from historian.tagcolumns import add_columns, drop_columns

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = {
    "gateway_state": "smallint",
    "gateway_round_trip": "integer",
    "gateway_errors": "integer",
    "gateway_last_scan_age": "integer",
}


def upgrade() -> None:
    add_columns("site", COLUMNS)


def downgrade() -> None:
    drop_columns("site", COLUMNS)
