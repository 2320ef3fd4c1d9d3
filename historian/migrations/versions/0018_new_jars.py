"""What a new jar is, jars that failed, and maintenance that is recorded once.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

KINDS = "'Inspection', 'Cleaning', 'Tightening', 'Equalisation', 'Repair', 'Replacement'"
ADD_KIND = "ALTER TABLE maintenance ADD CONSTRAINT maintenance_kind CHECK (kind IN ({}))"


def upgrade() -> None:
    for change in (
        "ALTER TABLE maintenance ADD COLUMN serial_number text",
        "ALTER TABLE maintenance ADD COLUMN baseline_resistance double precision",
        "ALTER TABLE maintenance DROP CONSTRAINT maintenance_kind",
        ADD_KIND.format(f"{KINDS}, 'Failure'"),
        "ALTER TABLE maintenance ADD CONSTRAINT maintenance_new_jar CHECK ((kind = 'Replacement' "
        "OR (serial_number IS NULL AND baseline_resistance IS NULL)) AND baseline_resistance > 0)",
        "ALTER TABLE maintenance ADD CONSTRAINT maintenance_once UNIQUE (asset_id, kind, began)",
    ):
        op.execute(change)


def downgrade() -> None:
    for change in (
        "DELETE FROM maintenance WHERE kind = 'Failure'",
        "ALTER TABLE maintenance DROP CONSTRAINT maintenance_once",
        "ALTER TABLE maintenance DROP CONSTRAINT maintenance_new_jar",
        "ALTER TABLE maintenance DROP CONSTRAINT maintenance_kind",
        ADD_KIND.format(KINDS),
        "ALTER TABLE maintenance DROP COLUMN baseline_resistance",
        "ALTER TABLE maintenance DROP COLUMN serial_number",
    ):
        op.execute(change)
