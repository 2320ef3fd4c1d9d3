"""The simulated fleet over Modbus TCP: read by a master that is not ours (mbpoll), and by Voltkeep itself."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from asyncua import Client, ua
from modbusplant import SITES, consecutive_ports, simulator
from program import Start, Voltkeep

VOLTAGE = "Bangrak/UPS-1/S03/J07.Voltage"
LAST_USABLE = ua.StatusCodes.UncertainLastUsableValue


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the first of nine gateways."""
    if shutil.which("mbpoll") is None:
        pytest.skip("mbpoll is not installed")
    first = consecutive_ports(SITES)
    with simulator(tmp_path_factory.mktemp("modbus") / "home", first):
        yield first


def poll(port: int, unit: int, first: int, count: int) -> subprocess.CompletedProcess[str]:
    """One read of 16-bit holding registers, numbered from 0."""
    where = ["-m", "tcp", "-p", str(port), "-a", str(unit)]
    what = ["-t", "4", "-0", "-r", str(first), "-c", str(count)]
    return subprocess.run(
        ["mbpoll", *where, *what, "-1", "-q", "127.0.0.1"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def registers(port: int, unit: int, first: int, count: int) -> list[int]:
    done = poll(port, unit, first, count)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(r"^\[(\d+)\]:\s+(\d+)", done.stdout, re.MULTILINE)
    assert [int(number) for number, _ in found] == list(range(first, first + count))
    return [int(value) for _, value in found]


def test_it_reads_a_jar(gateways: int) -> None:
    # Bangrak is the fourth site, UPS-1 its unit 1; S03/J07 is the system's jar 54, three registers each.
    voltage, temperature, resistance = registers(gateways + 3, unit=1, first=1000 + 54 * 3, count=3)
    assert 13_000 < voltage < 14_500  # mV
    assert 1_500 < temperature < 4_000  # 0.01 °C
    assert 2_000 < resistance < 8_000  # µΩ


def test_it_reads_every_site(gateways: int) -> None:
    seen = [registers(gateways + site, unit=1, first=0, count=9) for site in range(SITES)]
    assert all(1_000 < ambient < 4_500 for ambient, *_ in seen)
    assert {mains for _, _, _, mains, *_ in seen} <= {0, 1}
    assert len({tuple(each) for each in seen}) == SITES


def test_125_registers_come_in_one_answer(gateways: int) -> None:
    assert len(registers(gateways, unit=2, first=1000, count=125)) == 125


def test_the_plant_is_live(gateways: int) -> None:
    before = registers(gateways, unit=1, first=1000, count=120)
    time.sleep(6)
    assert registers(gateways, unit=1, first=1000, count=120) != before


def test_an_address_that_is_not_there_is_refused(gateways: int) -> None:
    done = poll(gateways, unit=1, first=60_000, count=1)
    assert done.returncode != 0
    assert "Illegal data address" in done.stdout + done.stderr


def written(port: int, unit: int, address: int, *values: int) -> str:
    """What mbpoll says of writing 16-bit holding registers."""
    where = ["-m", "tcp", "-p", str(port), "-a", str(unit), "-t", "4", "-0", "-r", str(address)]
    done = subprocess.run(
        ["mbpoll", *where, "127.0.0.1", *map(str, values)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.stdout + done.stderr


def test_it_writes_set_points_within_their_range(gateways: int) -> None:
    assert "Written 1 references" in written(gateways, 2, 9, 2300)
    assert registers(gateways, unit=2, first=9, count=1) == [2300]
    assert "Written 2 references" in written(gateways, 2, 9, 2280, 150)
    assert registers(gateways, unit=2, first=9, count=2) == [2280, 150]
    assert "Illegal data value" in written(gateways, 2, 9, 2500)
    assert "Illegal data address" in written(gateways, 2, 1000, 1)
    assert registers(gateways, unit=2, first=9, count=2) == [2280, 150]


async def _wait_for_status(program: Voltkeep, status: int, limit: float = 30) -> ua.DataValue:
    deadline = time.monotonic() + limit
    async with Client(program.endpoint) as client:
        ns = await client.get_namespace_index("urn:voltkeep:fleet")
        node = client.get_node(ua.NodeId(VOLTAGE, ns))
        while True:
            value = await node.read_data_value(raise_on_bad_status=False)
            if value.StatusCode.value == status or time.monotonic() > deadline:
                assert value.StatusCode.value == status, value
                return value
            await asyncio.sleep(0.2)


async def test_voltkeep_reads_it_and_loses_and_finds_it(
    start_voltkeep: Start, home: Path, tmp_path: Path
) -> None:
    first = consecutive_ports(SITES)
    modbus = {"VOLTKEEP_MODBUS_PORT": str(first), "VOLTKEEP_MODBUS_SIMULATE": "false"}
    with start_voltkeep(home, "--source", "modbus", **modbus) as program:
        with simulator(tmp_path / "plant", first):
            good = await _wait_for_status(program, ua.StatusCodes.Good)
            assert 13 < good.Value.Value < 14.5
        # The plant is gone: the last value stays, but no longer as a good one, nor with a newer time.
        stale = await _wait_for_status(program, LAST_USABLE)
        assert 13 < stale.Value.Value < 14.5
        await asyncio.sleep(2)
        later = await _wait_for_status(program, LAST_USABLE)
        assert later.SourceTimestamp == stale.SourceTimestamp
        with simulator(tmp_path / "plant", first):
            again = await _wait_for_status(program, ua.StatusCodes.Good)
            assert again.SourceTimestamp > stale.SourceTimestamp
