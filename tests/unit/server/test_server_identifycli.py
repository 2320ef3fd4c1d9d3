"""`voltkeep identify`: files as instruments write them, faults in words, and figures the fleet file takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from config.fleetfile import read_fleet_file
from server.errors import RequestError
from server.identifycli import identify
from server.recordingfile import Columns, read_recording

GOLDEN = Path(__file__).parents[1] / "config" / "golden" / "unknown-key" / "fleet.yaml"
HEADER = "time_s,current_A,voltage_V,temperature_C"


def written(folder: Path, *lines: str) -> Path:
    file = folder / "jar.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def discharge(folder: Path, header: str = HEADER, sign: int = 1) -> Path:
    """Four hours at 20 A from 12.9 down to 11.8 V."""
    steps = np.linspace(0, 1, 30)
    rows = [f"{14_400 * x:.0f},{sign * 20 * (x > 0)},{12.7 - 0.6 * x - 0.3 * x**6:.3f},25" for x in steps]
    return written(folder, header, *rows)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fleet file with the model M12 of 100 Ah."""
    file = tmp_path / "fleet.yaml"
    file.write_text(GOLDEN.read_text().replace("    colour: grey\n", ""))
    monkeypatch.setenv("VOLTKEEP_FLEET", str(file))
    monkeypatch.setenv("VOLTKEEP_HOME", str(tmp_path / "home"))
    return file


def run(files: list[Path], **options: object) -> None:
    given = {"model": "M12", "write": None, "hold_back": 1, "soc": 100.0, "charge_positive": False} | options
    columns = {"time": "time_s", "current": "current_A", "voltage": "voltage_V"}
    identify(files, **({**columns, "temperature": "temperature_C"} | given))  # type: ignore[arg-type]


def test_a_file_of_another_country(tmp_path: Path) -> None:
    file = written(tmp_path, "t;I;U", "0;0,0;12,9", "60;5,5;12,6", "", "120;5,5;12,5")
    found = read_recording(file, Columns("t", "I", "U", "21.5"))
    assert found.time.tolist() == [0, 60, 120]
    assert found.current.tolist() == [0, 5.5, 5.5]
    assert found.voltage.tolist() == [12.9, 12.6, 12.5]
    assert found.temperature.tolist() == [21.5] * 3


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ((HEADER, "0,0,13,25"), "jar.csv has 1 readings, which are too few."),
        (("time,current_A,voltage_V,temperature_C",), "no column 'time_s'; its columns are time, current_A"),
        ((HEADER, "0,0,13,25", "60,1,x,25"), "jar.csv:3: voltage_V is 'x', which is no number."),
        ((HEADER, "0,0,13,25", "60,1,nan,25"), "jar.csv:3: voltage_V is 'nan', which is no number."),
        ((HEADER, "0,0,13,25", "60,1"), "jar.csv:3: voltage_V is missing."),
        (
            (HEADER, "0,0,13,25", "60,1,12,25", "30,1,12,25"),
            "jar.csv:4: the time goes back from 60 s to 30 s.",
        ),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, lines: tuple[str, ...], told: str) -> None:
    with pytest.raises(RequestError) as caught:
        read_recording(written(tmp_path, *lines), Columns())
    assert told in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"none\.csv cannot be read: No such file"):
        read_recording(tmp_path / "none.csv", Columns())
    (tmp_path / "jar.csv").write_bytes(b"time_s,\xff\xfe")
    with pytest.raises(RequestError, match="is not UTF-8 text"):
        read_recording(tmp_path / "jar.csv", Columns())


def test_requests_that_cannot_be_met(tmp_path: Path, fleet: Path) -> None:
    with pytest.raises(RequestError, match=r"no jar model 'X' in .*; its models are M12"):
        run([discharge(tmp_path)], model="X")
    with pytest.raises(RequestError, match="no discharge by 10% of 100 Ah"):
        run([discharge(tmp_path)], charge_positive=True)
    with pytest.raises(RequestError, match="25 V is no voltage of a jar of 12 V"):
        run([discharge(tmp_path)], voltage="temperature_C")


def test_the_fleet_file_takes_the_figures(
    tmp_path: Path, fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snippet = tmp_path / "twin.yaml"
    run([discharge(tmp_path, sign=-1)], charge_positive=True, write=snippet)
    assert "capacity" in capsys.readouterr().out
    figures = yaml.safe_load(snippet.read_text())["models"]["M12"]["twin"]
    file = yaml.safe_load(fleet.read_text())
    file["models"]["M12"]["twin"] = figures
    fleet.write_text(yaml.safe_dump(file))
    assert read_fleet_file(fleet).models["M12"].twin.model_dump(exclude_none=True) == figures


def test_two_discharges_judge_one_another(
    tmp_path: Path, fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = discharge(tmp_path)
    run([file, file])
    told = capsys.readouterr().out
    rows = [line.split() for line in told.splitlines() if "Ah by" in line]
    assert [row[6] for row in rows] == ["fitted", "held"]
    assert all(int(row[-1]) < int(row[-2]) for row in rows)
    assert yaml.safe_load(told[told.index("models:") :])["models"]["M12"]["twin"]["capacity"] > 0


def test_the_program_does_without_what_only_fits() -> None:
    code = "import sys, server.cli, analytics.estimate; print('scipy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "False"
