"""The database schema of today as SQLAlchemy metadata; migrations lead to it and a test compares the two."""

from __future__ import annotations

import re
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from historian.columns import TABLES, Table

METADATA: Final = sa.MetaData()
_TIME = sa.DateTime(timezone=True)
_PARTITION = re.compile(r"_\d{8}$")

asset = sa.Table(
    "asset",
    METADATA,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False, unique=True),
)

quality = sa.Table(
    "quality",
    METADATA,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("asset_type", sa.Text, nullable=False),
    sa.Column("codes", JSONB, nullable=False),
    sa.UniqueConstraint("asset_type", "codes"),
)

account = sa.Table(
    "account",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("must_change", sa.Boolean, nullable=False),
    sa.Column("created_at", _TIME, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("certificates", ARRAY(sa.Text), nullable=False),
    sa.CheckConstraint("role IN ('Viewer', 'Operator', 'Engineer', 'Admin')", name="account_role"),
)

audit = sa.Table(
    "audit",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("ts", _TIME, nullable=False),
    sa.Column("event_id", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("event_type", sa.Integer, nullable=False),
    *(
        sa.Column(name, sa.Text, nullable=False)
        for name in ("action", "user_name", "peer", "session", "entry_id")
    ),
    sa.Column("status", sa.BigInteger, nullable=False),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("target", "old", "new")),
    sa.Column("repeats", sa.Integer, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Index("audit_ts", "ts"),
)


def _columns(table: Table) -> list[sa.Column[int]]:
    return [sa.Column(c.name, sa.SmallInteger if c.bits == 16 else sa.Integer) for c in table.columns]


for _table in TABLES.values():
    for _name in (_table.readings, _table.simulated):
        sa.Table(
            _name,
            METADATA,
            sa.Column("ts", _TIME, nullable=False),
            sa.Column("asset_id", sa.Integer, nullable=False),
            sa.Column("quality", sa.Integer, nullable=False),
            *_columns(_table),
            sa.PrimaryKeyConstraint("asset_id", "ts"),
        )


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, counterpart: Any) -> bool:
    """For Alembic: leave partitions alone, they come and go with days and scenarios, not with schemas."""
    table = getattr(thing, "table", thing)
    return not _PARTITION.search(table.name or "")
