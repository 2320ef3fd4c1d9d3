"""How the alarms of sites and fleet do: priorities, what is hidden, rate, flood, incidents.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

from historian.tagcolumns import add_columns, drop_columns

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COLUMNS = {
    "low_alarms": "integer",
    "medium_alarms": "integer",
    "high_alarms": "integer",
    "critical_alarms": "integer",
    "suppressed_alarms": "integer",
    "shelved_alarms": "integer",
    "out_of_service_alarms": "integer",
    "standing_alarms": "integer",
    "chattering_alarms": "integer",
    "alarm_rate": "integer",
    "open_incidents": "integer",
    "alarm_flood": "smallint",
}


def upgrade() -> None:
    for asset in ("site", "fleet"):
        add_columns(asset, COLUMNS, states={"alarm_flood"})


def downgrade() -> None:
    for asset in ("site", "fleet"):
        drop_columns(asset, COLUMNS)
