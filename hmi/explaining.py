"""Why a jar's remaining life is what it is, and what would change it: answers of the server for the browser.

`explain` and `what_if` are the methods ExplainRul and WhatIf of `Objects/Fleet/Analytics` (R4, R8).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

from asyncua import Client, ua

from hmi.management import rows
from hmi.methods import calling, outputs
from hmi.topology import Topology

OWNER: Final = "Analytics"
_FACTOR: Final = ("name", "share", "days")
_CASE: Final = ("text", "lived", "distance")
_FACTS: Final = (
    "twin_days",
    "model_days",
    "model_weight",
    "review",
    "quarter",
    "notes",
    "version",
    "test_error",
)
_LIFE: Final = ("days", "lower", "upper")
# As the server tells of a past case; the parts are put together again in the reader's language.
_CASE_TEXT: Final = re.compile(r"A jar of (?P<age>[\d.]+) years (?P<ending>.+) after another [\d,]+ days")


async def explain(client: Client, topology: Topology, jar: str) -> dict[str, Any]:
    """What ExplainRul says of a jar; `ua.UaStatusCodeError` where it says nothing."""
    asked = ua.Variant(jar, ua.VariantType.String)
    return explanation(await outputs(client, topology, OWNER, "ExplainRul", asked))


def explanation(columns: Sequence[Any]) -> dict[str, Any]:
    """The outputs of ExplainRul, in their order: `factors`, `similar`, and the facts, for JSON.

    Days [d] are None where they are not known; the ages of similar cases are in years.
    """
    facts = {name: _known(value) for name, value in zip(_FACTS, columns[6:14], strict=True)}
    return {
        "factors": rows(_FACTOR, list(columns[:3])),
        "similar": [_case(row) for row in rows(_CASE, list(columns[3:6]))],
    } | facts


def what_if(topology: Topology, jar: str, kelvin: float, load: float) -> ua.CallMethodRequest:
    """The call that asks how long a jar would live if it were `kelvin` warmer, at `load` [%]."""
    shift, share = ua.Variant(kelvin, ua.VariantType.Double), ua.Variant(load, ua.VariantType.Double)
    return calling(topology, OWNER, "WhatIf", ua.Variant(jar, ua.VariantType.String), shift, share)


def comparison(values: Sequence[Any]) -> dict[str, Any]:
    """The outputs of WhatIf: the life then, the life as things are [d], and who says so."""
    known = [_known(value) for value in values]
    changed = dict(zip(_LIFE, known[:3], strict=True))
    return {"then": changed, "now": dict(zip(_LIFE, known[3:6], strict=True)), "version": known[6]}


def _case(row: dict[str, Any]) -> dict[str, Any]:
    found = _CASE_TEXT.fullmatch(row["text"])
    age, ending = (float(found["age"]), found["ending"]) if found else (None, "")
    return row | {"age": age, "ending": ending}


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
