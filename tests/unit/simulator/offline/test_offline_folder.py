"""The folder of an offline run: when it is refused, what its manifest says, and no half files in it."""

from __future__ import annotations

import errno
import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from offlineruns import files, job, run

from simulator.offline.columns import EVENTS
from simulator.offline.errors import OfflineError
from simulator.offline.files import MonthFile, remove_parts, told
from simulator.offline.folder import clear, estimated_bytes, gigabytes, prepare, write_manifest
from simulator.offline.job import Content

Usage = namedtuple("Usage", "total used free")


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    prepare(tmp_path / "a" / "b", job())
    assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_with_anything_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OfflineError, match="is not empty"):
        prepare(tmp_path, job())


def test_a_file_in_the_folders_place_is_told_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OfflineError, match="cannot be used: File exists"):
        prepare(tmp_path / "out", job())


def test_clearing_removes_a_run_and_nothing_else(tmp_path: Path) -> None:
    run(job(), tmp_path)
    write_manifest(tmp_path, job(), {})
    (tmp_path / "raw" / "notes.txt").write_text("mine")
    (tmp_path / "my.parquet").write_text("mine")
    clear(tmp_path)
    assert set(files(tmp_path)) == {"raw/notes.txt", "my.parquet"}
    assert not (tmp_path / "hourly").exists()


def test_a_run_that_does_not_fit_the_disk_is_refused_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = estimated_bytes(job())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1e12, 0, 0.2e9 + needed + 1))
    prepare(tmp_path, job())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1e12, 0, 0.2e9 + needed - 1))
    with pytest.raises(OfflineError, match=r"are needed in .*, and 0\.2 GB are free there"):
        prepare(tmp_path, job())


def test_what_is_left_out_is_not_counted() -> None:
    whole = estimated_bytes(job())
    assert estimated_bytes(job(sites=("Phuket",))) == pytest.approx(whole / 2)
    assert estimated_bytes(job(contents=(Content.RAW,))) < whole
    assert estimated_bytes(job(contents=(Content.EVENTS,))) == 0


def test_the_manifest_says_how_to_read_the_files_and_how_to_make_them_again(tmp_path: Path) -> None:
    rows = run(job(), tmp_path)
    write_manifest(tmp_path, job(), rows)
    first = (tmp_path / "manifest.json").read_bytes()
    manifest = json.loads(first)
    assert manifest["seed"] == 7
    assert (manifest["start"], manifest["end"]) == ("2024-01-31T00:00:00Z", "2024-02-01T00:00:00Z")
    assert (manifest["step_s"], manifest["steps"]) == (900, 96)
    assert manifest["fleet_sha256"] == job().fleet_hash
    assert manifest["columns"]["raw"]["jar"]["Voltage"] == {
        "type": "float32",
        "unit": "V",
        "description": "Terminal voltage of the jar",
    }
    assert manifest["columns"]["hourly"]["site"]["MainsStateMax"]["states"] == ["Lost", "Present"]
    assert manifest["columns"]["hourly"]["site"]["MainsStateCount"]["type"] == "uint16"
    assert manifest["rows"]["raw/jar/Bangrak/2024-01.parquet"] == 12 * 96
    assert set(manifest["rows"]) == {name for name in files(tmp_path) if name.endswith(".parquet")}
    write_manifest(tmp_path, job(), rows)
    assert (tmp_path / "manifest.json").read_bytes() == first


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    file = MonthFile(tmp_path / "site" / "2024-01.parquet", EVENTS)
    assert set(files(tmp_path)) == {"site/.2024-01.parquet.part"}
    file.close()
    assert set(files(tmp_path)) == {"site/2024-01.parquet"}


def test_parts_are_removed_and_whole_files_stay(tmp_path: Path) -> None:
    MonthFile(tmp_path / "a" / "2024-01.parquet", EVENTS).close()
    MonthFile(tmp_path / "a" / "2024-02.parquet", EVENTS)
    remove_parts(tmp_path)
    assert set(files(tmp_path)) == {"a/2024-01.parquet"}


def test_a_full_disk_and_other_faults_are_told_in_plain_words(tmp_path: Path) -> None:
    assert "no space left" in str(told(OSError(errno.ENOSPC, "No space left on device"), tmp_path))
    arrow = OSError("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device")
    assert "no space left" in str(told(arrow, tmp_path))
    assert "Permission denied" in str(told(OSError(errno.EACCES, "Permission denied"), tmp_path))


def test_sizes_are_told_in_units_that_fit() -> None:
    assert [gigabytes(n) for n in (6.44e9, 12.2e6, 10)] == ["6.4 GB", "12 MB", "1 MB"]
