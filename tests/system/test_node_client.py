"""node-opcua-client, which shares no code with Voltkeep, does what a SCADA client does: see node/."""

from __future__ import annotations

import datetime as dt
import os
import time
from pathlib import Path

import pytest
from nodeclient import Step
from program import Start, Voltkeep

from config.fleetfile import jar_name, read_fleet_file
from config.settings import HERE

pytestmark = pytest.mark.node

SITE, STRING = "Bangrak", "Bangrak/UPS-1/S03"
JAR = f"{STRING}/J07"
MEASURED = ("Voltage", "Temperature", "InternalResistance")
# s; the acceptance of a release watches for 30.
WATCH = float(os.environ.get("VOLTKEEP_TEST_WATCH_SECONDS", "6"))


def test_it_browses_from_the_server_object_to_a_jar(voltkeep: Voltkeep, node: Step) -> None:
    seen = node(voltkeep, "browse", jar=JAR)
    assert "Fleet" in seen["objects"]
    assert {"Chiangmai", "Bangrak", "Hat Yai", "Analytics", "Simulation"} <= set(seen["fleet"])
    assert {"Voltage", "RemainingUsefulLife", "HealthStatus", "SerialNumber"} <= set(seen["jar"])
    assert len(set(seen["jar"])) == len(seen["jar"])
    assert seen["jarType"] == ["JarType"]
    assert seen["parent"] == ["J07"]
    assert seen["notifiers"] == ["Fleet", *JAR.split("/")]
    assert seen["byPath"] == f"{JAR}.Voltage"
    assert seen["noPath"] == "BadNoMatch"


def test_it_reads_a_jar(voltkeep: Voltkeep, node: Step) -> None:
    tags = [*MEASURED, "StateOfCharge", "RemainingUsefulLife", "HealthStatus", "ReplacementQuarter"]
    properties = ["SerialNumber", "Position", "InstallationDate", "Voltage.EURange"]
    seen = node(voltkeep, "read", jar=JAR, tags=tags, properties=properties)
    values = seen["values"]
    assert {values[tag]["status"] for tag in tags} == {"Good"}, values
    assert {values[tag]["type"] for tag in MEASURED} == {"Double"}
    assert 12 < values["Voltage"]["value"] < 14.5
    assert 15 < values["Temperature"]["value"] < 40
    assert values["Voltage"]["sourceTime"] is not None
    assert (values["HealthStatus"]["type"], values["ReplacementQuarter"]["type"]) == ("UInt32", "String")
    assert (values["Position"]["type"], values["Position"]["value"]) == ("UInt32", 7)
    assert values["SerialNumber"]["value"].startswith("HX")
    assert values["InstallationDate"]["type"] == "DateTime"
    assert values["Voltage.EURange"]["value"] == {"low": 0, "high": 20}
    assert seen["unknown"] == ["BadNodeIdUnknown", "BadNodeIdUnknown"]


def test_it_watches_every_jar_of_a_site(voltkeep: Voltkeep, node: Step) -> None:
    systems = read_fleet_file(HERE / "fleet.yaml").sites[SITE].systems
    strings = [f"{SITE}/{system}/{string}" for system, part in systems.items() for string in part.strings]
    jars = [f"{string}/{jar_name(i)}" for string in strings for i in range(1, 25)]
    seen = node(voltkeep, "subscribe", limit=WATCH + 60, jars=jars, tags=MEASURED, seconds=WATCH)
    assert (seen["items"], seen["refused"]) == (3 * 216, 0)
    # A monitor of the plant falls silent now and then, one in 5,000 jars at any time: its last values are
    # then uncertain, all three of them, and of no other jar.
    assert set(seen["doubted"].values()) <= {"UncertainLastUsableValue"}
    assert len({variable.partition(".")[0] for variable in seen["doubted"]}) <= 2
    assert min(seen["changes"]) >= 1
    # A scan a second, and noise: hardly a voltage stays the same to the millivolt.
    assert WATCH - 3 <= seen["scans"] <= WATCH + 3
    voltages = seen["changes"][::3]
    assert sum(voltages) > 0.9 * (WATCH - 3) * 216


def test_an_alarm_reaches_it_and_is_acknowledged(voltkeep: Voltkeep, node: Step) -> None:
    seen = node(
        voltkeep,
        "alarm",
        site=SITE,
        scenario="TemperatureSpike",
        target=JAR,
        parameters={"Rise": 18},
        condition="TemperatureHigh",
        source=JAR,
        seconds=20,
    )
    assert seen["listed"] == [[seen["simulation"]], ["TemperatureSpike"], [JAR]]
    active = seen["active"]
    assert active is not None, seen["sources"]
    assert active["SourceName"]
    assert active["Severity"] in (500, 800)
    assert active["LimitState.CurrentState"] in ("High", "HighHigh")
    assert (active["AckedState.Id"], active["Retain"]) == (False, True)
    assert active["ConditionId"].endswith(f"s={JAR}#TemperatureHigh")
    acknowledged = seen["acknowledged"]
    assert (acknowledged["status"], acknowledged["bogus"]) == ("Good", "BadEventIdUnknown")
    assert acknowledged["again"] == "BadConditionBranchAlreadyAcked"
    assert acknowledged["event"]["Comment"] == "seen by node-opcua"
    assert acknowledged["event"]["ClientUserId"] == "admin"
    assert len(seen["live"]) > 1
    assert seen["journal"] == seen["live"]  # field by field
    assert seen["refreshed"]["status"] == "Good"
    assert seen["refreshed"]["brackets"] == [True, True]
    assert seen["refreshed"]["mine"] == 1


def test_a_power_outage_raises_voltage_alarms(start_voltkeep: Start, home: Path, node: Step) -> None:
    with start_voltkeep(home, VOLTKEEP_SIMULATOR_SPEED="60") as program:
        seen = node(
            program,
            "alarm",
            limit=120,
            site=SITE,
            scenario="PowerOutage",
            target=SITE,
            parameters={"LoadFactor": 2, "DepthVoltage": 10.8},
            condition="VoltageLevel",
            source=SITE,
            seconds=60,
        )
    assert seen["active"] is not None, seen["sources"]
    assert seen["active"]["LimitState.CurrentState"] == "Low"
    # Isolation: other sites hear nothing of it.
    assert all(f"s={SITE}" in source for source in seen["sources"] if ";s=" in source)


def test_it_reads_the_history_back(voltkeep: Voltkeep, node: Step) -> None:
    time.sleep(max(0, 6 - (dt.datetime.now(dt.UTC) - voltkeep.ready).total_seconds()))
    seen = node(voltkeep, "history", jar=JAR, start=voltkeep.ready.isoformat(), piece=2)
    whole, forward, backward = seen["whole"], seen["forward"], seen["backward"]
    assert whole["status"] == "Good"
    assert len(whole["times"]) >= 5
    assert whole["times"] == sorted(set(whole["times"]))
    assert all(12 < value < 14.5 for value in whole["values"])
    # Scans go on meanwhile: later readings may have more at the recent end, never less or other.
    assert forward["pieces"] >= len(whole["times"]) // 2
    assert forward["times"] == whole["times"][: len(forward["times"])]
    assert forward["values"] == whole["values"][: len(forward["values"])]
    # End before start is the other way round (Part 11, 6.4.3.2), not an error.
    assert backward["status"] == "Good"
    assert backward["times"] == forward["times"][::-1]
    assert seen["unknown"]["status"] == "BadNodeIdUnknown"
    assert (seen["future"]["status"], seen["future"]["times"]) == ("GoodNoData", [])


def test_it_exports_history_as_files(voltkeep: Voltkeep, node: Step) -> None:
    start = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).isoformat()
    formats = ["csv", "parquet", "xlsx", "pdf"]
    seen = node(voltkeep, "export", variables=[f"{JAR}.Voltage"], start=start, formats=formats)
    for form, begin in zip(formats, ("Time,Voltage [V],Status\n", "PAR1", "PK", "%PDF-"), strict=True):
        file = seen["files"][form]
        assert (file["status"], file["closed"]) == ("Good", "Good")
        assert file["size"] == file["length"]
        assert file["begins"].startswith(begin)
    assert (seen["refused"], seen["unknown"]) == ("BadUserAccessDenied", "BadInvalidArgument")
