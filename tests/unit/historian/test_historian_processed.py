"""Processed reading in pages: whatever a page holds, the answer is that of all values at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storedseries import NO_CONNECTION, histories, samples_in, variables

from historian import neighbours, processed
from historian.aggregates import compute
from historian.aggregation import Aggregate, AggregateConfiguration, Aggregation
from historian.processed import ProcessedReader
from historian.series import Found, History
from historian.span import FIRST, LAST
from nodeset.fleet import AssetType
from nodeset.tags import TAGS

VOLTAGE = next(tag for tag in TAGS if tag.key == (AssetType.JAR, "Voltage"))
MODE = next(tag for tag in TAGS if tag.key == (AssetType.SYSTEM, "OperatingMode"))

configurations = st.builds(
    AggregateConfiguration,
    treat_uncertain_as_bad=st.booleans(),
    percent_data_bad=st.sampled_from([100, 50]),
    percent_data_good=st.sampled_from([100, 50]),
    use_sloped_extrapolation=st.booleans(),
)
VALUES = [each for each in Aggregate if each is not Aggregate.ANNOTATION_COUNT]


def same(found: History, wanted: History) -> None:
    np.testing.assert_array_equal(found.time, wanted.time)
    assert [hex(code) for code in found.status] == [hex(code) for code in wanted.status]
    np.testing.assert_allclose(found.value, wanted.value, rtol=0, atol=1e-9)


@settings(max_examples=300)
@given(found=histories(), start=st.integers(-20, 220), length=st.integers(1, 240), data=st.data())
async def test_pages_add_up_to_the_whole(found: Found, start: int, length: int, data: st.DataObject) -> None:
    """All aggregates, time in both directions, pages of a few values, whatever the values are."""
    tag = data.draw(st.sampled_from([VOLTAGE, MODE]))
    end = start + length if data.draw(st.booleans()) else start - length
    aggregate = data.draw(st.sampled_from(VALUES))
    interval = data.draw(st.sampled_from([0, 7, 25, 60]))
    aggregation = Aggregation(aggregate, start, end, interval, data.draw(configurations))
    wanted = compute(samples_in(found), aggregation, tag.stepped)
    covered = data.draw(st.sampled_from([FIRST, 100, LAST]))
    reader = ProcessedReader(variables(found, tag, covered))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processed, "PAGE", data.draw(st.sampled_from([1, 2, 3, 5, 1000])))
        patch.setattr(neighbours, "PAGES", data.draw(st.sampled_from([(2, 5, 1000), neighbours.PAGES])))
        read = await reader.read(NO_CONNECTION, 0, aggregation, 0, aggregation.count)
    same(read, History(wanted.value, wanted.status, wanted.time, more=False))
    assert not read.more
