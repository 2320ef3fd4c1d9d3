"""HistoryRead over OPC UA: values a second of raw history, and of averages by the hour, to one client."""

from __future__ import annotations

import datetime as dt
import struct
import time
from typing import Final

from asyncua import ua
from asyncua.ua.ua_binary import extensionobject_to_binary, struct_to_binary

from benchmarks import requests
from benchmarks.client import Connection
from benchmarks.login import Door
from benchmarks.past import DAY, Past
from benchmarks.process import Process

FLEET_URI: Final = "urn:voltkeep:fleet"
JARS: Final = 8
MONTH: Final = 30 * DAY
HOUR_MS: Final = 3_600_000.0
_AVERAGE: Final = ua.NodeId(ua.ObjectIds.AggregateFunction_Average)


def measure(process: Process, made: Past) -> dict[str, float]:
    """Values a second [1/s] and a CPU second of the server, of 30 days of some jars."""
    connection = Door(process).enter()
    ns = requests.namespace(connection, FLEET_URI)
    jars = [jar.path for jar in made.index.fleet.jars[: min(JARS, made.jars)]]
    nodes = [ua.NodeId(f"{path}.Voltage", ns) for path in jars]
    found = {}
    for key, details in (("read_raw", _raw(made)), ("read_processed", _processed(made))):
        began, cpu = time.perf_counter(), process.cpu()
        values = sum(_values(connection, node, details) for node in nodes)
        found[key] = values / (time.perf_counter() - began)
        found[f"{key}_cpu"] = values / (process.cpu() - cpu)
    connection.close()
    return found


def _raw(made: Past) -> ua.ReadRawModifiedDetails:
    details = ua.ReadRawModifiedDetails()
    details.StartTime, details.EndTime = _moment(made.end - MONTH), _moment(made.end)
    details.NumValuesPerNode, details.ReturnBounds, details.IsReadModified = 0, False, False
    return details


def _processed(made: Past) -> ua.ReadProcessedDetails:
    details = ua.ReadProcessedDetails()
    details.StartTime, details.EndTime = _moment(made.end - MONTH), _moment(made.end)
    details.ProcessingInterval, details.AggregateType = HOUR_MS, [_AVERAGE]
    details.AggregateConfiguration.UseServerCapabilitiesDefaults = True
    return details


def _values(connection: Connection, node: ua.NodeId, details: object) -> int:
    """How many values a node's history has, read to its last continuation point."""
    point, count = None, 0
    while True:
        wanted = ua.HistoryReadValueId(node, None, ua.QualifiedName(None), point)
        parameters = (
            extensionobject_to_binary(details)
            + struct.pack("<I?i", ua.TimestampsToReturn.Source, False, 1)
            + struct_to_binary(wanted)
        )
        connection.send(connection.request(ua.HistoryReadRequest, parameters))
        found, point = _counted(connection.receive())
        count += found
        if not point:
            return count


def _counted(answer: bytes) -> tuple[int, bytes]:
    """Number of values and continuation point of the one result (Part 11, 6.4.2; Part 4, 5.11.3)."""
    at = 28  # type id and response header without diagnostics
    (results, status) = struct.unpack_from("<iI", answer, at)
    if results != 1 or status & 0x8000_0000:
        raise RuntimeError(f"no history: 0x{status:08X}")
    at += 8
    (length,) = struct.unpack_from("<i", answer, at)
    point = answer[at + 4 : at + 4 + max(length, 0)]
    at += 4 + max(length, 0)
    at += 4 + 1 + 4  # type id of two bytes of node id and number, encoding, size
    (count,) = struct.unpack_from("<i", answer, at)
    return count, point


def _moment(time_us: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(time_us / 1e6, dt.UTC)
