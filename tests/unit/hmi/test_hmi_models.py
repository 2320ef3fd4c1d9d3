"""What ListModels gives as rows for the browser, and the calls that a browser wants."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import pytest
from asyncua import ua

from hmi.models import models, plain, wanted
from hmi.topology import Topology

FLEET = Topology(3, ())
AT = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
NEVER = ua.win_epoch_to_datetime(0)


def test_the_newest_model_comes_first_with_its_own_figures() -> None:
    columns: list[Any] = [["old", "new"], ["Published", "Candidate"], *([[AT, AT]] * 3), ["00", "ff"]]
    columns += [["Voltkeep", ""], [AT, NEVER], [AT, NEVER], ["passed", ""], [True, False]]
    columns += [["old", "old", "new"], ["mae", "r2", "mae"], [242.0, math.nan, 250.0]]
    new, old = models(columns)
    assert (new["version"], new["figures"], new["approved"], new["usable"]) == (
        "new",
        {"mae": 250.0},
        0,
        False,
    )
    assert (old["figures"], old["published"]) == ({"mae": 242.0, "r2": None}, 1_795_262_400_000)
    assert "NaN" not in json.dumps([new, old])


def test_values_become_what_json_can_hold() -> None:
    assert [plain(value) for value in (AT, NEVER, math.nan, 1.5, "x", True, None)] == [
        1_795_262_400_000,
        0,
        None,
        1.5,
        "x",
        True,
        None,
    ]


@pytest.mark.parametrize(
    ("action", "asked", "method", "arguments"),
    [
        ("publish", {"version": "v", "comment": "why"}, "PublishModel", ["v", "why"]),
        ("rollback", {"version": "v", "comment": "why"}, "RollbackModel", ["why"]),
        ("retire", {"version": "v"}, "RetireModel", ["v", ""]),
        ("shadow", {}, "SetShadow", [""]),
        ("retrain", {"source": "PlantYears"}, "Retrain", ["PlantYears", ""]),
        ("cancel", {"job": "train-1"}, "CancelTraining", ["train-1"]),
    ],
)
def test_each_action_is_its_method(
    action: str, asked: dict[str, Any], method: str, arguments: list[str]
) -> None:
    call = wanted(FLEET, action, asked)
    assert call.MethodId == ua.NodeId(f"Analytics.{method}", 3)
    assert [each.Value for each in call.InputArguments] == arguments


@pytest.mark.parametrize(("action", "asked"), [("explode", {}), ("publish", {"version": 3}), ("publish", [])])
def test_nonsense_is_no_call(action: str, asked: Any) -> None:
    with pytest.raises((TypeError, KeyError, AttributeError)):
        wanted(FLEET, action, asked)
