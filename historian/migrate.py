"""Bring a database to a schema version, up or down; to be run in a thread, for it blocks.

Alembic is only imported when there is something to do, which keeps an ordinary start quick.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import psycopg

from historian.errors import HistorianError

HEAD: Final = "0018"
BASE: Final = "base"
RESTORING: Final = "restoring "  # before the version of a database that is not whole yet


def version(connection: psycopg.Connection[Any]) -> str | None:
    """Schema version of the database, None where there is none yet."""
    with connection.transaction():
        found = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        if found is None or found[0] is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])


def known_versions() -> list[str]:
    """Every version that there has been, oldest first."""
    folder = Path(__file__).parent / "migrations" / "versions"
    return sorted(path.name.split("_")[0] for path in folder.glob("[0-9]*.py"))


def migrate(conninfo: str, target: str = HEAD) -> None:
    """Upgrade or downgrade to `target`; nothing happens when the database is there already."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        at = version(connection)
        if at == target or (at is None and target == BASE):
            return
    if (at or "").startswith(RESTORING):
        raise HistorianError(
            "A restore into the historian's database was not finished. Repeat the same voltkeep restore: it "
            "removes what is half there and begins anew."
        )
    if target == HEAD and (at or "") > HEAD:
        raise HistorianError(
            f"The historian's database has schema {at}, made by a newer Voltkeep; this one knows {HEAD}. "
            "Use the newer Voltkeep, or restore an older backup."
        )
    _run(conninfo, target, upgrade=target != BASE and (at or "") < target)


def _run(conninfo: str, target: str, upgrade: bool) -> None:
    import sqlalchemy as sa
    from alembic import command
    from alembic.config import Config

    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            (command.upgrade if upgrade else command.downgrade)(config, target)
            connection.commit()
    except sa.exc.DBAPIError as error:
        raise (error.orig or error) from None  # the driver's own error, without the statement
    finally:
        engine.dispose()
