"""The database schema of today as SQLAlchemy metadata; migrations lead to it and a test compares the two."""

from __future__ import annotations

import datetime as dt
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


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _times(*names: str) -> list[sa.Column[dt.datetime]]:
    return [sa.Column(name, _TIME, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Double, nullable=False) for name in names]


def _asset_id() -> sa.Column[int]:
    return sa.Column("asset_id", sa.Integer, sa.ForeignKey("asset.id"), nullable=False)


condition_definition = sa.Table(
    "condition_definition",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("content", JSONB, nullable=False),
)

event = sa.Table(
    "event",
    METADATA,
    sa.Column("ts", _TIME, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("event_id", sa.LargeBinary, nullable=False),
    *_texts("event_type", "source", "site"),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("simulated", sa.Boolean, nullable=False),
    *_texts("message"),
    sa.Column("fields", JSONB),
    # Of conditions alone, from here on.
    sa.Column("condition", sa.Text),
    sa.Column("definition", sa.BigInteger),
    sa.Column("change", sa.Integer),
    sa.Column("enabled", sa.Boolean),
    sa.Column("level", sa.SmallInteger),
    sa.Column("acked", sa.Boolean),
    sa.Column("last_severity", sa.SmallInteger),
    sa.Column("quality", sa.BigInteger),
    sa.Column("value", sa.Double),
    *(
        sa.Column(f"{name}_ts", _TIME)
        for name in ("active", "acked", "enabled", "quality", "severity", "comment")
    ),
    sa.Column("comment", sa.Text),
    sa.Column("user_name", sa.Text),
    # NULL as a condition begins: confirmed, not shelved, not suppressed, in service, no branch.
    sa.Column("confirmed", sa.Boolean),
    sa.Column("shelved", sa.SmallInteger),
    sa.Column("suppressed", sa.SmallInteger),
    sa.Column("out_of_service", sa.Boolean),
    sa.Column("branch", sa.BigInteger),
    sa.Column("branches", sa.SmallInteger),
    *(
        sa.Column(name, _TIME)
        for name in ("confirmed_ts", "shelved_ts", "shelved_until", "suppressed_ts", "service_ts")
    ),
    sa.PrimaryKeyConstraint("ts", "event_id"),
    sa.CheckConstraint("(condition IS NULL) = (definition IS NULL)", name="event_condition"),
    sa.Index("event_site", "site", "ts"),
)

simulation = sa.Table(
    "simulation",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    *_texts("scenario", "target"),
    sa.Column("parameters", JSONB, nullable=False),
    *_times("started"),
    sa.Column("until", _TIME),
    *_texts("started_by"),
    sa.Column("ended", _TIME),
    sa.Column("ended_by", sa.Text),
    sa.Column("reason", sa.Text),
    sa.CheckConstraint("(ended IS NULL) = (reason IS NULL) AND ended >= started", name="simulation_end"),
    sa.Index("simulation_started", "started"),
)

outage = sa.Table(
    "outage",
    METADATA,
    _asset_id(),
    *_times("began"),
    sa.Column("ended", _TIME),
    sa.Column("duration", sa.Interval, sa.Computed("(ended - began)", persisted=True)),
    sa.PrimaryKeyConstraint("asset_id", "began"),
    sa.CheckConstraint("ended >= began", name="outage_end"),
    sa.Index("outage_open", "asset_id", unique=True, postgresql_where=sa.text("ended IS NULL")),
)

maintenance = sa.Table(
    "maintenance",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _asset_id(),
    *_texts("kind"),
    *_times("began"),
    sa.Column("ended", _TIME),
    *_texts("done_by", "note"),
    *_times("recorded"),
    *_texts("recorded_by"),
    # Of a new jar.
    sa.Column("serial_number", sa.Text),
    sa.Column("baseline_resistance", sa.Double),
    sa.CheckConstraint(
        "kind IN ('Inspection', 'Cleaning', 'Tightening', 'Equalisation', 'Repair', "
        "'Replacement', 'Failure')",
        name="maintenance_kind",
    ),
    sa.CheckConstraint("ended >= began", name="maintenance_end"),
    sa.CheckConstraint(
        "(kind = 'Replacement' OR (serial_number IS NULL AND baseline_resistance IS NULL)) "
        "AND baseline_resistance > 0",
        name="maintenance_new_jar",
    ),
    sa.UniqueConstraint("asset_id", "kind", "began", name="maintenance_once"),
    sa.Index("maintenance_asset", "asset_id", "began"),
)

capacity_test = sa.Table(
    "capacity_test",
    METADATA,
    _asset_id(),
    *_times("began", "ended"),
    *_numbers("discharge_current", "end_voltage", "temperature", "capacity", "rated_capacity"),
    *_texts("done_by", "note"),
    sa.PrimaryKeyConstraint("asset_id", "began"),
    sa.CheckConstraint("ended > began", name="capacity_test_end"),
    sa.CheckConstraint(
        "discharge_current > 0 AND end_voltage > 0 AND capacity >= 0 AND rated_capacity > 0",
        name="capacity_test_values",
    ),
)

model = sa.Table(
    "model",
    METADATA,
    sa.Column("version", sa.Text, primary_key=True),
    *_texts("kind"),
    *_times("created", "trained_from", "trained_to"),
    sa.Column("data_hash", sa.LargeBinary, nullable=False),
    sa.Column("metrics", JSONB, nullable=False),
    *_texts("state"),
    sa.Column("approved_by", sa.Text),
    sa.Column("approved", _TIME),
    sa.Column("artefact_hash", sa.LargeBinary),
    sa.Column("published", _TIME),
    sa.Column("replaced", sa.Text, sa.ForeignKey("model.version")),
    *(sa.Column(name, sa.Text, nullable=False, server_default="") for name in ("findings", "comment")),
    sa.CheckConstraint("trained_to >= trained_from", name="model_training"),
    sa.CheckConstraint("state IN ('Candidate', 'Shadow', 'Published', 'Retired')", name="model_state"),
    sa.CheckConstraint(
        "(approved IS NULL) = (approved_by IS NULL) AND (state <> 'Published' OR approved IS NOT NULL)",
        name="model_approval",
    ),
    sa.Index("model_published", "kind", unique=True, postgresql_where=sa.text("state = 'Published'")),
)

prediction = sa.Table(
    "prediction",
    METADATA,
    sa.Column("model_version", sa.Text, sa.ForeignKey("model.version"), nullable=False),
    _asset_id(),
    *_times("issued_at"),
    sa.Column("horizon", sa.Integer, nullable=False),
    *_numbers("value", "lower", "upper"),
    *_texts("confidence"),
    sa.Column("factors", JSONB, nullable=False),
    sa.PrimaryKeyConstraint("model_version", "asset_id", "issued_at", "horizon"),
    sa.CheckConstraint("lower <= value AND value <= upper", name="prediction_interval"),
    sa.CheckConstraint("horizon >= 0", name="prediction_horizon"),
    sa.Index("prediction_asset", "asset_id", "issued_at"),
)

schedule = sa.Table(
    "schedule",
    METADATA,
    _asset_id(),
    *_texts("name"),
    sa.Column("version", sa.Integer, nullable=False),
    *_times("begins"),
    sa.Column("step", sa.Interval, nullable=False),
    sa.Column("plan", JSONB, nullable=False),
    *_texts("origin"),
    *_times("created"),
    *_texts("created_by"),
    sa.PrimaryKeyConstraint("asset_id", "name", "version"),
    sa.CheckConstraint("version > 0", name="schedule_version"),
    sa.CheckConstraint("step > interval '0'", name="schedule_step"),
    sa.CheckConstraint("jsonb_typeof(plan) = 'array'", name="schedule_plan"),
)

execution = sa.Table(
    "execution",
    METADATA,
    sa.Column("asset_id", sa.Integer, nullable=False),
    *_texts("name"),
    sa.Column("version", sa.Integer, nullable=False),
    *_times("ts"),
    sa.Column("mode", sa.SmallInteger, nullable=False),
    *_numbers("rate"),
    *_texts("outcome", "note"),
    sa.PrimaryKeyConstraint("asset_id", "ts", "name", "version"),
    sa.ForeignKeyConstraint(
        ["asset_id", "name", "version"], ["schedule.asset_id", "schedule.name", "schedule.version"]
    ),
    sa.CheckConstraint("mode IN (0, 1, 2)", name="execution_mode"),
    sa.CheckConstraint("outcome IN ('Done', 'Refused', 'Failed', 'Skipped')", name="execution_outcome"),
)
rollup_due = sa.Table(
    "rollup_due",
    METADATA,
    sa.Column("hour", _TIME, primary_key=True),
    sa.Column("changes", sa.Integer, nullable=False, server_default="1"),
)

rollup_due_day = sa.Table("rollup_due_day", METADATA, sa.Column("day", _TIME, primary_key=True))

dropped_day = sa.Table("dropped_day", METADATA, sa.Column("day", _TIME, primary_key=True))

clustered_partition = sa.Table("clustered_partition", METADATA, sa.Column("name", sa.Text, primary_key=True))

modification = sa.Table(
    "modification",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("asset_id", sa.Integer, nullable=False),
    sa.Column("tag", sa.Text, nullable=False),
    sa.Column("ts", _TIME, nullable=False),
    sa.Column("value", sa.Integer),
    sa.Column("status", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("changed_at", _TIME, nullable=False),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Index("modification_variable", "asset_id", "tag", "ts", "id"),
)

annotation = sa.Table(
    "annotation",
    METADATA,
    sa.Column("asset_id", sa.Integer, nullable=False),
    sa.Column("tag", sa.Text, nullable=False),
    sa.Column("ts", _TIME, nullable=False),
    sa.Column("annotation_time", _TIME, nullable=False),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("asset_id", "tag", "ts", "annotation_time", "user_name"),
)


def _columns(table: Table) -> list[sa.Column[int]]:
    return [sa.Column(c.name, sa.SmallInteger if c.bits == 16 else sa.Integer) for c in table.columns]


def _rolled(table: Table) -> list[sa.Column[int]]:
    types = {"sum": sa.BigInteger, "count": sa.Integer}
    return [
        sa.Column(f"{c.name}_{part}", types.get(part, sa.SmallInteger if c.bits == 16 else sa.Integer))
        for c in table.columns
        for part in c.rolled
    ]


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
    for _name in (_table.hourly, _table.daily):
        sa.Table(
            _name,
            METADATA,
            sa.Column("ts", _TIME, nullable=False),
            sa.Column("asset_id", sa.Integer, nullable=False),
            sa.Column("quality", sa.Integer, nullable=False),
            sa.Column("rows", sa.Integer, nullable=False),
            *_rolled(_table),
            sa.PrimaryKeyConstraint("asset_id", "ts", "quality"),
            sa.Index(f"{_name}_ts", "ts"),
        )


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, counterpart: Any) -> bool:
    """For Alembic: leave partitions alone, they come and go with days and scenarios, not with schemas."""
    table = getattr(thing, "table", thing)
    return not _PARTITION.search(table.name or "")
