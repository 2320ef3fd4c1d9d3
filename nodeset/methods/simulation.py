"""Methods of `Objects/Fleet/Simulation`: start, change and stop what is simulated (S4)."""

from __future__ import annotations

from typing import Final

from nodeset.datatypes import DataType
from nodeset.methods.method import ArgumentDef, MethodDef

_ID = ArgumentDef("SimulationId", DataType.STRING, "Identifies the running simulation")
_NAMES = ArgumentDef(
    "ParameterNames", DataType.STRING, "Parameters that differ from their defaults", array=True
)
_VALUES = ArgumentDef("ParameterValues", DataType.DOUBLE, "Their values, in the same order", array=True)

SIMULATION: Final = (
    MethodDef(
        "Simulation",
        "Start",
        "Start a scenario on a site, string or jar",
        (
            ArgumentDef("Scenario", DataType.STRING, "Name of the scenario"),
            ArgumentDef("Target", DataType.STRING, "Path of a site, string or jar"),
            ArgumentDef("Duration", DataType.DOUBLE, "Duration [s]; 0: until stopped"),
            _NAMES,
            _VALUES,
        ),
        (_ID,),
    ),
    MethodDef("Simulation", "Stop", "Stop a simulation and restore the plant", (_ID,)),
    MethodDef("Simulation", "Adjust", "Change parameters of a running simulation", (_ID, _NAMES, _VALUES)),
    MethodDef(
        "Simulation",
        "List",
        "The running simulations",
        outputs=(
            ArgumentDef("SimulationIds", DataType.STRING, "Identifies each simulation", array=True),
            ArgumentDef("Scenarios", DataType.STRING, "Name of each one's scenario", array=True),
            ArgumentDef("Targets", DataType.STRING, "Path of each one's target", array=True),
        ),
    ),
    MethodDef(
        "Simulation",
        "Define",
        "Define a custom scenario, one element of each array a step; it is kept over a restart",
        (
            ArgumentDef("Name", DataType.STRING, "A capital letter, then letters and digits, 40 at most"),
            ArgumentDef("Description", DataType.STRING, "What happens in it"),
            ArgumentDef("Kinds", DataType.STRING, "Voltkeep's scenario of each step", array=True),
            ArgumentDef(
                "Targets",
                DataType.STRING,
                "Part of the target, such as S03/J07; empty: the target itself; *: every part of that level",
                array=True,
            ),
            ArgumentDef("Begins", DataType.DOUBLE, "When each begins [s after the start]", array=True),
            ArgumentDef("Durations", DataType.DOUBLE, "Duration of each [s]; 0: to the end", array=True),
            ArgumentDef("Parameters", DataType.STRING, "Parameters of each: Rate=4;Ceiling=40", array=True),
        ),
    ),
    MethodDef(
        "Simulation",
        "Remove",
        "Remove a custom scenario that was defined",
        (ArgumentDef("Name", DataType.STRING, "Name of the scenario"),),
    ),
    MethodDef(
        "Simulation",
        "Describe",
        "The scenarios that can be started, their parameters, and the steps of custom ones",
        outputs=(
            ArgumentDef("Names", DataType.STRING, "Name of each scenario", array=True),
            ArgumentDef("Descriptions", DataType.STRING, "What happens in it", array=True),
            ArgumentDef("TargetTypes", DataType.STRING, "Kinds of asset: Site String", array=True),
            ArgumentDef("Removable", DataType.BOOLEAN, "Whether it was defined by a client", array=True),
            ArgumentDef("ParameterScenarios", DataType.STRING, "Scenario of each parameter", array=True),
            ArgumentDef("ParameterNames", DataType.STRING, "Its name; 2.Rate is one of step 2", array=True),
            ArgumentDef("ParameterUnits", DataType.STRING, "Its unit", array=True),
            ArgumentDef("ParameterDescriptions", DataType.STRING, "What it does", array=True),
            ArgumentDef("ParameterDefaults", DataType.DOUBLE, "Its default", array=True),
            ArgumentDef("ParameterLows", DataType.DOUBLE, "Its lowest value", array=True),
            ArgumentDef("ParameterHighs", DataType.DOUBLE, "Its highest value", array=True),
            ArgumentDef("ParameterWholes", DataType.BOOLEAN, "Whether it is a whole number", array=True),
            ArgumentDef("StepScenarios", DataType.STRING, "Custom scenario of each step", array=True),
            ArgumentDef("StepKinds", DataType.STRING, "Voltkeep's scenario of the step", array=True),
            ArgumentDef("StepTargets", DataType.STRING, "Part of the target; empty: all of it", array=True),
            ArgumentDef("StepBegins", DataType.DOUBLE, "When it begins [s after the start]", array=True),
            ArgumentDef("StepDurations", DataType.DOUBLE, "Duration [s]; 0: to the end", array=True),
        ),
    ),
)
