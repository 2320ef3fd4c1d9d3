"""What else a condition's event tells: confirmation, shelving, suppression, service and branch.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COLUMNS = {
    "confirmed": "boolean",
    "shelved": "smallint",
    "suppressed": "smallint",
    "out_of_service": "boolean",
    "branch": "bigint",
    "branches": "smallint",
    "confirmed_ts": "timestamptz",
    "shelved_ts": "timestamptz",
    "shelved_until": "timestamptz",
    "suppressed_ts": "timestamptz",
    "service_ts": "timestamptz",
}


def upgrade() -> None:
    added = ", ".join(f"ADD COLUMN {name} {kind}" for name, kind in COLUMNS.items())
    op.execute(f"ALTER TABLE event ALTER COLUMN change TYPE integer, {added}")


def downgrade() -> None:
    dropped = ", ".join(f"DROP COLUMN {name}" for name in COLUMNS)
    # A limit that was changed has no bit among the sixteen of before.
    op.execute(f"ALTER TABLE event ALTER COLUMN change TYPE smallint USING (change & 32767), {dropped}")
