"""Structures: what we encode is what a client decodes by the definition."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
from asyncua import Server, ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import extensionobject_from_binary, extensionobject_to_binary

from nodeset.structures import RUL_PREDICTION
from nodeset.types import TYPES_URI
from nodeset.xml import NODESET_FILE
from server.space.structures import StructureEncoder

VALUES: dict[str, Any] = {
    "Jar": "Bangrak/UPS-1/S03/J07",
    "IssuedAt": 1_767_225_600_000_000,
    "Days": 812.5,
    "LowerDays": 640.0,
    "UpperDays": 990.0,
    "Confidence": "High",
    "TwinDays": 800.0,
    "ModelDays": math.nan,
    "ModelWeight": 0.0,
    "ReviewRequired": True,
    "Factors": ["Temperature", "Alter"],
    "Shares": [0.75, 0.25],
    "SimilarCases": [],
    "ReplacementQuarter": "2028-Q1",
    "QuarterNotes": ["Monsoon from June to October"],
    "ModelVersion": "twin-1",
    "TestError": 41.5,
}


@pytest.fixture
async def namespace() -> int:
    """Index of our types in a server that knows them."""
    server = Server()
    await server.init()
    await server.import_xml(NODESET_FILE)
    await server.load_data_type_definitions()
    return int(await server.get_namespace_index(TYPES_URI))


async def test_asyncua_decodes_what_we_encode(namespace: int) -> None:
    data = extensionobject_to_binary(StructureEncoder(RUL_PREDICTION, namespace)(VALUES))
    found = extensionobject_from_binary(Buffer(data))
    assert isinstance(found, ua.RulPredictionType)
    assert math.isnan(found.ModelDays)
    assert found.IssuedAt == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    for name in VALUES.keys() - {"ModelDays", "IssuedAt"}:
        assert getattr(found, name) == VALUES[name], name


async def test_what_is_null_is_the_null_time(namespace: int) -> None:
    encoded = StructureEncoder(RUL_PREDICTION, namespace)(VALUES | {"IssuedAt": None, "Jar": None})
    found = extensionobject_from_binary(Buffer(extensionobject_to_binary(encoded)))
    assert (found.IssuedAt.year, found.Jar) == (1601, None)


def test_every_field_must_be_given() -> None:
    with pytest.raises(KeyError):
        StructureEncoder(RUL_PREDICTION, 2)({"Jar": "J01"})
