"""Known holes of the stock server: each probe passes on ours and fails on stock asyncua.

A probe that passed on both would say nothing about the hole, so that is a failure too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from holeprobes_history import PROBES as HISTORY
from holeprobes_services import PROBES as SERVICES
from holeprobes_sessions import PROBES as SESSIONS
from holeprobes_subscriptions import PROBES as SUBSCRIPTIONS
from holetargets import Target, our_target, stock_server
from opcuaserver import OpcUaTestServer

PROBES = [*SESSIONS, *SUBSCRIPTIONS, *SERVICES, *HISTORY]
NAMES = [probe.__name__ for probe in PROBES]


@pytest.fixture
def ours(server: OpcUaTestServer, client_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    with our_target(server, client_home, os.getpid(), monkeypatch) as target:
        yield target


@pytest.fixture(scope="module")
def stock(client_home: Path) -> Iterator[Target]:
    with stock_server(client_home) as target:
        yield target


@pytest.mark.parametrize("probe", PROBES, ids=NAMES)
async def test_ours_has_no_such_hole(ours: Target, probe: object) -> None:
    await probe(ours)  # type: ignore[operator]


@pytest.mark.parametrize("probe", PROBES, ids=NAMES)
async def test_the_stock_server_has_the_hole(stock: Target, probe: object) -> None:
    with pytest.raises(AssertionError):
        await probe(stock)  # type: ignore[operator]
