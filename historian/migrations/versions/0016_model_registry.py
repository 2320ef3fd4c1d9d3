"""Models: their artefact, what their gates said, and what they replaced; drift of the fleet from its model.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

from alembic import op

from historian.tagcolumns import add_columns, drop_columns

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

COLUMNS = {"model_drift": "smallint"}
NEW = {
    "artefact_hash": "bytea",
    "published": "timestamptz",
    "replaced": "text REFERENCES model (version)",
    "findings": "text NOT NULL DEFAULT ''",
    "comment": "text NOT NULL DEFAULT ''",
}


def upgrade() -> None:
    add_columns("fleet", COLUMNS, states=set(COLUMNS))
    for name, kind in NEW.items():
        op.execute(f"ALTER TABLE model ADD COLUMN {name} {kind}")


def downgrade() -> None:
    for name in NEW:
        op.execute(f"ALTER TABLE model DROP COLUMN {name}")
    drop_columns("fleet", COLUMNS)
