"""The queue on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from historian.columns import NO_VALUE, TABLES, Table
from historian.packing import pack, unpack
from historian.rows import Rows, Scan
from historian.spill import Spill
from nodeset.fleet import AssetType
from nodeset.status import BAD_NO_COMMUNICATION


def scan(number: int) -> Scan:
    rng = np.random.default_rng(number)
    rows = []
    for n, table in enumerate(TABLES.values(), 1):
        shape = (len(table.columns), n)
        value = rng.integers(NO_VALUE, 2**31, shape, np.int32)
        status = rng.integers(0, 2**32, shape, np.uint32)
        rows.append(Rows(table, rng.integers(0, 2**31, n, np.int32), value, status))
    return Scan(number, tuple(rows))


def same(a: Scan, b: Scan) -> bool:
    return a.time == b.time and all(
        x.table is y.table
        and np.array_equal(x.assets, y.assets)
        and np.array_equal(x.value, y.value)
        and np.array_equal(x.status, y.status)
        and x.status.dtype == y.status.dtype
        for x, y in zip(a.rows, b.rows, strict=True)
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spill.sqlite"


@pytest.fixture
def spill(path: Path) -> Iterator[Spill]:
    spill = Spill(path, 1e9)
    yield spill
    spill.close()


def test_a_scan_comes_back_as_it_was() -> None:
    assert same(unpack(pack(scan(3))), scan(3))
    assert not same(unpack(pack(scan(3))), scan(4))


def test_first_in_first_out_and_through_a_restart(path: Path) -> None:
    spill = Spill(path, 1e9)
    for number in range(4):
        assert spill.append(pack(scan(number)))
    spill.delete(spill.first()[0])
    spill.close()
    spill = Spill(path, 1e9)
    assert spill.append(pack(scan(4)))
    found = []
    while spill.count:
        number, blob = spill.first()
        found.append(unpack(blob).time)
        spill.delete(number)
    spill.close()
    assert found == [1, 2, 3, 4]


def test_no_more_than_its_share_of_the_disk(path: Path) -> None:
    size = len(pack(scan(1)))
    spill = Spill(path, size * 2.5)
    assert spill.append(pack(scan(1)))
    assert spill.append(pack(scan(1)))
    assert not spill.append(pack(scan(1)))
    spill.delete(spill.first()[0])
    assert spill.append(pack(scan(1)))
    spill.close()


def test_disk_space_is_given_back(spill: Spill, path: Path) -> None:
    empty = path.stat().st_size
    for number in range(100):
        spill.append(pack(scan(number)))
    while spill.count:
        spill.delete(spill.first()[0])
    wal = path.with_name("spill.sqlite-wal")
    assert path.stat().st_size + wal.stat().st_size <= empty + 8192


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_file_is_set_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with capture_logs() as logs:
        spill = Spill(path, 1e9)
    assert spill.append(pack(scan(1)))
    spill.close()
    (kept,) = path.parent.glob("*.damaged-*")
    assert kept.read_bytes() == content
    assert logs[0]["kept_as"] == str(kept)


def test_a_scan_of_an_older_version_fits_the_columns_of_today() -> None:
    today = TABLES[AssetType.SYSTEM]
    older = Table(today.asset, today.readings, today.latest, today.columns[:2])
    value = np.array([[1, 2], [3, 4]], np.int32)
    rows = Rows(older, np.array([8, 9], np.int32), value, np.zeros((2, 2), np.uint32))
    blob = pack(Scan(5, (rows,)))
    (back,) = unpack(blob).rows
    assert back.table is TABLES[AssetType.SYSTEM]
    assert back.value[:2].tolist() == [[1, 2], [3, 4]]
    assert (back.value[2:] == NO_VALUE).all()
    assert (back.status[2:] == BAD_NO_COMMUNICATION).all()


@pytest.mark.parametrize("cut", [1, 20])
def test_a_torn_scan_is_an_error(cut: int) -> None:
    with pytest.raises(Exception, match=r".+"):
        unpack(pack(scan(1))[:-cut])
