"""Accounts: enabled or not, a description, and the certificates of X.509 users.

What a wrong password leads to is the running server's to know, so its columns go.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE account DROP COLUMN failed_logins, DROP COLUMN locked_until, "
        "ADD COLUMN enabled boolean NOT NULL DEFAULT true, "
        "ADD COLUMN description text NOT NULL DEFAULT '', "
        "ADD COLUMN certificates text[] NOT NULL DEFAULT '{}'"
    )


def downgrade() -> None:
    op.execute(
        "ALTER TABLE account DROP COLUMN enabled, DROP COLUMN description, DROP COLUMN certificates, "
        "ADD COLUMN failed_logins integer NOT NULL DEFAULT 0, ADD COLUMN locked_until timestamptz"
    )
