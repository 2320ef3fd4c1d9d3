"""`voltkeep probe`: what it shows of devices that are well, and of those that are not; it never writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from click.testing import Result
from fakegateway import Behave, FakeGateway, Talk, honest, running
from modbusgateways import free_ports, links_of, two_sites
from typer.testing import CliRunner

from config.settings import Link
from drivers.connection import Limits
from drivers.mapfile import read_map
from drivers.probe import Probe, Report, Verdict
from drivers.registers import plan_of
from server.cli import program
from simulator.gateway import Gateways
from simulator.plant import Plant

NOW = 1_794_286_800_000_000
INDEX = two_sites()
REFERENCE = read_map("reference")
TIMEOUT = 0.2
LIMITS = Limits(TIMEOUT, TIMEOUT)


def nothing(row: int, value: float) -> None:
    """Takes set-points."""


async def probed(link: Link, site: int = 0, unit: int | None = None) -> Report:
    return await Probe(INDEX, read_map(link.map), site, link, LIMITS).run(unit)


@pytest.fixture(params=["tcp", "rtu"])
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[FakeGateway]:
    """Bangrak's gateway, whose answers a test scripts."""
    plan = plan_of(INDEX, REFERENCE, 0)
    found = FakeGateway(free_ports(1), plan, Plant(INDEX, 1, NOW).readings(), request.param)
    async with running(found):
        yield found


def link_to(gateway: FakeGateway) -> Link:
    return links_of(INDEX, gateway.port, framer=gateway.framer)[0]


@pytest.mark.parametrize("framer", ["tcp", "rtu"])
@pytest.mark.parametrize("name", ["reference", "sunspec", "blocks-of-40"])
async def test_every_value_of_the_simulated_gateways_is_in_order(name: str, framer: str) -> None:
    links = links_of(INDEX, free_ports(2), map=name, framer=framer)
    plant = Plant(INDEX, 1, NOW)
    gateways = Gateways(INDEX, links, nothing)
    readings = plant.readings()
    gateways.put(readings)
    await gateways.start()
    report = await Probe(INDEX, read_map(name), 0, links[0], Limits(2.0, 2.0)).run()
    await gateways.close()
    assert report.in_order, [item for item in report.items if item.verdict is not Verdict.OK][:5]
    assert not [reply for reply in report.replies if reply.problem]
    units = {item.unit for item in report.items}
    vendors = {unit: named["vendor"] for unit, named in report.identifications.items()}
    assert vendors == dict.fromkeys(units, "Voltkeep")
    rows = zip(readings.rows.tolist(), readings.value.tolist(), strict=True)
    wanted = {INDEX.identifier(row): value for row, value in rows}
    voltages = [item for item in report.items if item.tag.endswith(".Voltage")]
    assert voltages
    for item in voltages:
        assert item.value == pytest.approx(wanted[item.tag], abs=0.01)
    assert bool(report.devices) == (name == "sunspec")


async def test_a_value_with_its_registers_and_unit(gateway: FakeGateway) -> None:
    gateway.registers[1, 1000] = 13_652
    gateway.registers[1, 2] = 1
    report = await probed(link_to(gateway))
    found = {item.tag: item for item in report.items}
    jar = found["Bangrak/UPS-1/SA/J01.Voltage"]
    assert (jar.unit, jar.address, jar.registers, jar.text) == (1, 1000, (13_652,), "13.652 V")
    assert found["Bangrak.HvacState"].text == "On"
    assert found["Bangrak/UPS-1.BusVoltage"].address == 4
    assert len(found["Bangrak/UPS-1.BusVoltage"].registers) == 2


async def test_verdicts(gateway: FakeGateway) -> None:
    gateway.registers[1, 1000] = 0xFFFF
    gateway.registers[1, 1003] = 9_000  # mV: below what the model can
    gateway.registers[1, 2] = 7  # no state of the air conditioning
    report = await probed(link_to(gateway))
    found = {item.tag: (item.verdict, item.remark) for item in report.items}
    assert found["Bangrak/UPS-1/SA/J01.Voltage"] == (Verdict.NO_DATA, "")
    assert found["Bangrak/UPS-1/SA/J02.Voltage"] == (Verdict.OUT_OF_RANGE, "not within 10 to 15")
    assert found["Bangrak.HvacState"] == (Verdict.OUT_OF_RANGE, "no such state")
    assert found["Bangrak.MainsState"][0] is Verdict.OK
    assert not report.in_order


async def test_only_one_unit(gateway: FakeGateway) -> None:
    report = await probed(link_to(gateway), unit=2)
    assert {item.unit for item in report.items} == {reply.region.unit for reply in report.replies} == {2}
    assert report.in_order


async def hangs(talk: Talk) -> None:
    """No answer."""


async def refuses(talk: Talk) -> None:
    await talk.send(talk.exception(2))


async def closes(talk: Talk) -> None:
    talk.close()


async def wrong_unit(talk: Talk) -> None:
    await talk.send(talk.frame(unit=99))


async def short(talk: Talk) -> None:
    await talk.send(talk.frame(bytes([3, 2, 0, 1])))


async def half(talk: Talk) -> None:
    await talk.send(talk.frame()[:6])


async def garbage(talk: Talk) -> None:
    await talk.send(bytes(range(40, 200)))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (hangs, "no answer in 0.2 s"),
        (half, "only 6 bytes of an answer in 0.2 s"),
        (refuses, "refused with exception 2 (illegal data address)"),
        (closes, "connection closed by the gateway"),
        (wrong_unit, "unit 99 answers for unit 2"),
        (short, "does not fit the request"),
        (garbage, ""),
    ],
)
async def test_what_is_wrong_with_a_unit_is_said_plainly(
    gateway: FakeGateway, fault: Behave, said: str
) -> None:
    async def partly(talk: Talk) -> None:
        await (fault if talk.unit == 2 else honest)(talk)

    gateway.behave = partly
    report = await probed(link_to(gateway))
    problems = [reply.problem for reply in report.replies if reply.region.unit == 2]
    assert all(problems)
    assert said in str(problems[0])
    assert all(item.verdict is Verdict.NOT_READ for item in report.items if item.unit == 2)
    assert all(item.verdict is Verdict.OK for item in report.items if item.unit == 1)
    assert not report.in_order
    assert {pdu[0] for pdu in gateway.asked} <= {3, 43}


async def test_nobody_is_there() -> None:
    report = await probed(links_of(INDEX, free_ports(1))[0])
    assert report.unreachable == "no connection: connection refused"
    assert not report.in_order


async def told(*arguments: str) -> Result:
    """What the command says, in a thread with a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, program, ["probe", "127.0.0.1", *arguments])


async def test_the_command_and_its_exit_codes(gateway: FakeGateway) -> None:
    """The shipped fleet's first site against a gateway of another one: not all is there."""
    port = ["--port", str(gateway.port), "--framer", gateway.framer, "--timeout", str(TIMEOUT)]
    part = await told(*port, "--unit", "1")
    assert part.exit_code == 1
    assert "tcp frames, map reference, as site Chiangmai" in part.output or gateway.framer == "rtu"
    assert "refused with exception 2 (illegal data address)" in part.output
    assert "Chiangmai/UPS-1.FloatVoltageSetpoint" in part.output
    as_json = json.loads((await told(*port, "--unit", "1", "--json")).output)
    assert as_json["requests"][0]["registers"][9] == 2275
    assert as_json["values"][0]["tag"] == "Chiangmai.AmbientTemperature"
    assert as_json["in_order"] is False
    unknown = await told(*port, "--site", "Atlantis")
    assert unknown.exit_code != 0
    await gateway.down()
    gone = await told(*port)
    assert gone.exit_code == 2
    assert "connection refused" in gone.output
    assert all(pdu[0] in (3, 43) for pdu in gateway.asked)
