"""How good the learnt model is, and by how much a jar's remaining life fell at once.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

from historian.tagcolumns import add_columns, drop_columns

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

COLUMNS = {
    "model_error": "smallint",
    "remaining_useful_life_drop": "integer",
    "remaining_useful_life_drop_jar": "integer",
}


def upgrade() -> None:
    add_columns("fleet", COLUMNS, names={"remaining_useful_life_drop_jar"})


def downgrade() -> None:
    drop_columns("fleet", COLUMNS)
