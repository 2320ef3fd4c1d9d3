"""Alembic's environment: the connection comes from `historian.migrate`, never from a file."""

from __future__ import annotations

import re
from typing import Any

from alembic import context

from historian.schema import METADATA

_PARTITION = re.compile(r"_\d{8}$")


def _ours(thing: Any, name: str | None, kind: str, reflected: bool, counterpart: Any) -> bool:
    """Leave partitions alone: they come and go with the days, not with the schema."""
    return not (kind == "table" and _PARTITION.search(name or ""))


context.configure(
    connection=context.config.attributes["connection"], target_metadata=METADATA, include_object=_ours
)
with context.begin_transaction():
    context.run_migrations()
