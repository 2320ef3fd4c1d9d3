"""Items that are polled: what is sampled and has not changed costs nothing more."""

from __future__ import annotations

import datetime as dt

import pytest
from asyncua import ua

from server.events.event import TRUE
from server.subscriptions import sampleditems
from server.subscriptions.liveitems import REPORTING
from server.subscriptions.livequeues import STATUS, STATUS_VALUE
from server.subscriptions.sampleditems import DataItem

STATUS_VALUE_TIMESTAMP = 2
EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Source:
    """A variable whose value is sampled a second later each time."""

    def __init__(self, value: ua.Variant) -> None:
        self.value, self.status, self.second = value, 0, 0

    def read(self) -> ua.DataValue:
        """The value now."""
        self.second += 1
        moment = EPOCH + dt.timedelta(seconds=self.second)
        return ua.DataValue(self.value, ua.StatusCode(self.status), moment, moment)


def item_of(source: Source, trigger: int) -> DataItem:
    return DataItem(1, 1, REPORTING, 10, True, trigger=trigger, read=source.read)


@pytest.mark.parametrize(("trigger", "told"), [(STATUS, 1), (STATUS_VALUE, 1), (STATUS_VALUE_TIMESTAMP, 3)])
def test_a_constant_is_told_once_unless_its_time_counts(trigger: int, told: int) -> None:
    item = item_of(Source(TRUE), trigger)
    for _ in range(3):
        item.sample()
    assert item.due() == told


def test_the_same_constant_is_not_encoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    item = item_of(Source(TRUE), STATUS_VALUE)
    item.sample()
    monkeypatch.setattr(sampleditems, "variant_to_binary", lambda _value: pytest.fail("encoded again"))
    item.sample()


def test_another_status_or_a_value_that_is_sent_again_is_told() -> None:
    source = Source(TRUE)
    item = item_of(source, STATUS_VALUE)
    item.sample()
    source.status = 0x8000_0000
    item.sample()
    item.resend()
    item.sample()
    assert item.due() == 3
    source.value = ua.Variant(False, ua.VariantType.Boolean)
    item.sample()
    assert item.due() == 4
