"""The scenario file (`scenarios.yaml`): custom scenarios as lists of steps; the shape, no behaviour.

Which kinds, parameters and targets there are is the simulator's business (simulator/compositions.py), which
checks the rest. Both raise `ConfigurationError`, which lists every fault with its key and line.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MAX_STEPS = 20
LONGEST = 366 * 86_400.0  # s

ScenarioName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]{0,39}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
# Names of assets below the scenario's target, or `*` for every one of that level; empty: the target itself.
TargetPath = Annotated[str, StringConstraints(pattern=r"^([^/\s][^/]*(/[^/\s][^/]*){0,2})?$", max_length=200)]
Span = Annotated[float, Field(ge=0, le=LONGEST, description="[s]")]


class Part(BaseModel):
    """A mapping of the scenario file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Step(Part):
    """One disturbance: what, where below the scenario's target, from when on, for how long, how much."""

    scenario: Annotated[str, Field(description="a kind of scenario that Voltkeep has")]
    target: Annotated[TargetPath, Field(description="below the scenario's target; * is every part")] = ""
    begin: Annotated[Span, Field(description="[s] after the scenario's start")] = 0.0
    duration: Annotated[Span, Field(description="[s]; 0: until the scenario ends")] = 0.0
    parameters: Annotated[dict[str, float], Field(description="those that differ from their defaults")] = {}


class CustomScenario(Part):
    """A scenario made of steps."""

    description: Text
    steps: Annotated[list[Step], Field(min_length=1, max_length=MAX_STEPS)]


class ScenarioFile(Part):
    """The whole file: custom scenarios by name."""

    scenarios: dict[ScenarioName, CustomScenario] = {}
