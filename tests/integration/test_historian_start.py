"""Starting on a database that is not there, or not ours to use."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from config.settings import Historian as Settings
from historian.embedded import Embedded
from historian.errors import HistorianError
from historian.historian import Historian
from nodeset.index import TagIndex


async def failure(url: str, home: Path, index: TagIndex) -> str:
    with pytest.raises(HistorianError) as caught:
        await Historian.start(Settings(url=SecretStr(url)), home, index, lambda text: None)
    return str(caught.value)


async def test_nobody_listens(home: Path, small_index: TagIndex) -> None:
    text = await failure("postgresql://me:secret@127.0.0.1:1/fleet", home, small_index)
    assert "database fleet at 127.0.0.1" in text
    assert "refused" in text
    assert "historian.url" in text
    assert "secret" not in text


async def test_not_a_url(home: Path, small_index: TagIndex) -> None:
    assert "historian.url" in await failure("timescale server in the cellar", home, small_index)


async def test_no_right_to_make_tables(home: Path, postgres: str, small_index: TagIndex) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN")
        url = psycopg.conninfo.make_conninfo(postgres, user="guest")
        text = await failure(url, home, small_index)
        connection.execute("DROP ROLE guest")
    assert "permission denied" in text


async def test_reading_while_the_database_is_away_is_one_clear_error(
    prepared_home: Path, tmp_path: Path, small_index: TagIndex
) -> None:
    server = Embedded(prepared_home)
    await server.start()
    settings = Settings(url=SecretStr(server.conninfo))
    historian = await Historian.start(settings, tmp_path, small_index, lambda text: None)
    await historian.read_raw(0, 0, 1, 1, False)
    await server.stop()
    with pytest.raises(HistorianError, match="database is away"):
        await historian.read_raw(0, 0, 1, 1, False)
    await historian.close()


async def test_a_database_that_was_restarted_is_read_from_at_once(
    home: Path, database: str, small_index: TagIndex
) -> None:
    historian = await Historian.start(Settings(url=SecretStr(database)), home, small_index, lambda text: None)
    await historian.read_raw(0, 0, 1, 1, False)
    with psycopg.connect(database, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert ended is not None
    assert ended[0] > 0
    assert len((await historian.read_raw(0, 0, 1, 1, False)).time) == 0
    await historian.close()
