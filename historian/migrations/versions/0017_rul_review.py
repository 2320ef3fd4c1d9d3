"""Whether a person has to look at a jar's remaining life.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

from historian.tagcolumns import add_columns, drop_columns

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

COLUMNS = {"rul_review": "smallint"}


def upgrade() -> None:
    add_columns("jar", COLUMNS, states=COLUMNS)


def downgrade() -> None:
    drop_columns("jar", COLUMNS)
