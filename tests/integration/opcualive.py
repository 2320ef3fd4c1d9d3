"""Live variables whose values a test says, in place of the scan."""

from __future__ import annotations

import numpy as np
import pytest
from opcuaserver import OpcUaTestServer

from nodeset.frame import Frame
from nodeset.index import TagIndex
from server.livetable import LiveTable
from server.services.subscription import SubscriptionService

JAR = "Bangrak/UPS-1/S01/J02"


def quieten(server: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch) -> OpcUaTestServer:
    """The server, whose scan commits nothing until the test is over."""
    opcua = server.app._opcua
    monkeypatch.setattr(opcua._table, "commit", lambda _frame: 0)
    monkeypatch.setattr(opcua.subscriptions, "on_commit", lambda: None)
    return server


class Live:
    """One live variable whose value the test says: the scan leaves it alone."""

    def __init__(self, server: OpcUaTestServer, tag: str) -> None:
        self._server = server
        index: TagIndex = server.app._opcua._table.index
        self._row = index.row(JAR, tag)
        self.node_id = server.node_id(f"{JAR}.{tag}")

    def put(self, value: float, status: int = 0) -> None:
        """Commit a frame with this value in the server's loop, as a scan does."""
        self._server.inside(lambda: self._commit(value, status))

    def _commit(self, value: float, status: int) -> None:
        opcua = self._server.app._opcua
        frame = opcua._table.frame
        values, statuses = frame.value.copy(), frame.status.copy()
        values[self._row], statuses[self._row] = value, status
        time = frame.time + 1
        new = Frame(frame.index, frame.number + 1, time, values, statuses, np.full(len(values), time))
        LiveTable.commit(opcua._table, new.freeze())
        SubscriptionService.on_commit(opcua.subscriptions)
