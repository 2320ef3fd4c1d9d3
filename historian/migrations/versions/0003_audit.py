"""The audit trail: rows are added and never changed, each sealed with the hash of the one before it.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UP = (
    "CREATE TABLE audit (id bigint PRIMARY KEY, ts timestamptz NOT NULL, event_id bytea NOT NULL UNIQUE, "
    "event_type integer NOT NULL, action text NOT NULL, user_name text NOT NULL, peer text NOT NULL, "
    "session text NOT NULL, entry_id text NOT NULL, status bigint NOT NULL, target text NOT NULL, "
    "old text NOT NULL, new text NOT NULL, repeats integer NOT NULL, hash bytea NOT NULL)",
    "CREATE INDEX audit_ts ON audit (ts)",
    "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
    "BEGIN RAISE EXCEPTION 'the audit trail cannot be changed' USING ERRCODE = 'insufficient_privilege'; "
    "END $$",
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    "REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM PUBLIC, CURRENT_USER",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE audit")
    op.execute("DROP FUNCTION audit_refuse()")
