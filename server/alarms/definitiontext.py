"""A condition's definition as text, for what is kept longer than configuration: the journal and the ledger.

The text names every field, so that a definition of an older Voltkeep is read with the defaults of what it
does not have. A tag that is no more keeps its name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import MISSING, asdict, fields
from functools import lru_cache
from typing import Any, Final

from nodeset.fleet import AssetType
from nodeset.tags import TAG_OF, Kind, Mode, Origin, TagDef
from server.alarms.definition import AlarmDef, AlarmType, ConditionClass, Level, Measure, MeasureKind, Words
from server.alarms.limits import ConditionLimits


def _measure(kept: dict[str, Any]) -> Measure:
    of = tuple((name, Level(level)) for name, level in kept["of"])
    return Measure(MeasureKind(kept["kind"]), kept["window"], tuple(kept["states"]), of)


# Fields that JSON does not give back as they were.
_READ: Final[dict[str, Callable[[Any], Any]]] = {
    "kind": ConditionClass,
    "type": AlarmType,
    "limits": lambda limits: tuple(math.nan if limit is None else float(limit) for limit in limits),
    "measure": _measure,
    "modes": lambda modes: tuple(Mode(mode) for mode in modes),
    "words": lambda words: None if words is None else Words(**words),
}


def definition_text(definition: AlarmDef, limits: ConditionLimits | None = None) -> str:
    """A definition as JSON, in the same words each time, with `limits` instead of its own where given."""
    own = ConditionLimits.of(definition) if limits is None else limits
    # NaN is never the same again, so it would not be found among what is known.
    return _text(definition, tuple(None if math.isnan(each) else each for each in own.values), own[1:])


@lru_cache(maxsize=1024)
def _text(definition: AlarmDef, values: tuple[float | None, ...], others: tuple[Any, ...]) -> str:
    severities, hysteresis, on_delay, off_delay = others
    tag = definition.tag
    content = {each.name: getattr(definition, each.name) for each in fields(definition)}
    content |= {
        "asset": tag.asset,
        "tag": tag.name,
        "unit": definition.unit or None,
        "limits": values,
        "severities": severities,
        "hysteresis": hysteresis,
        "on_delay": on_delay,
        "off_delay": off_delay,
    }
    return json.dumps(content, sort_keys=True, ensure_ascii=False, default=asdict)


@lru_cache(maxsize=1024)
def definition_of(text: str) -> AlarmDef:
    """The definition that a text keeps; ValueError, KeyError: it is none."""
    kept = json.loads(text)
    asset = AssetType(kept["asset"])
    tag = TAG_OF.get((asset, kept["tag"])) or TagDef(asset, kept["tag"], "", Kind.ANALOG, Origin.MEASURED)
    known = {
        each.name: _READ.get(each.name, _tuples)(kept[each.name])
        for each in fields(AlarmDef)
        if each.name != "tag" and (each.name in kept or _required(each))
    }
    return AlarmDef(tag=tag, **known)


def _required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _tuples(value: Any) -> Any:
    """What JSON made a list of."""
    return tuple(_tuples(each) for each in value) if isinstance(value, list) else value
