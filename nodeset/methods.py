"""The methods under Objects/Fleet (I7), declared once; they take and give plain types.

Where a structure says the same at once, it comes last, for clients that know structures.

The NodeSet's InputArguments and OutputArguments, and the server's check of a call, derive from these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nodeset.datatypes import DataType
from nodeset.structures import RUL_PREDICTION, StructureDef


@dataclass(frozen=True)
class ArgumentDef:
    """One argument: a scalar, or an array of one dimension."""

    name: str
    data_type: DataType | StructureDef
    description: str
    array: bool = False


@dataclass(frozen=True)
class MethodDef:
    """One method of the object `owner` under the fleet."""

    owner: str
    name: str
    description: str
    inputs: tuple[ArgumentDef, ...] = ()
    outputs: tuple[ArgumentDef, ...] = ()


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

_JAR = ArgumentDef("Jar", DataType.STRING, "Path of the jar")
_VERSION = ArgumentDef("Version", DataType.STRING, "Version of the model")
_COMMENT = ArgumentDef("Comment", DataType.STRING, "Why, for the audit trail")
_MODEL_VERSION = ArgumentDef("ModelVersion", DataType.STRING, "Version of the model that answered")
_DAYS: Final = (
    ArgumentDef("Days", DataType.DOUBLE, "Days to end of life [d]"),
    ArgumentDef("LowerDays", DataType.DOUBLE, "Lower bound of the 90 % interval [d]"),
    ArgumentDef("UpperDays", DataType.DOUBLE, "Upper bound of the 90 % interval [d]"),
)
_WHY: Final = (
    ArgumentDef("Factors", DataType.STRING, "What shortens its life most", array=True),
    ArgumentDef("Shares", DataType.DOUBLE, "Share of each factor, 0 to 1", array=True),
)

PREDICTIONS: Final = (
    MethodDef(
        "Analytics",
        "PredictRul",
        "Remaining useful life of a jar",
        (_JAR,),
        (
            *_DAYS,
            ArgumentDef("Confidence", DataType.STRING, "High, Medium or Low"),
            *_WHY,
            _MODEL_VERSION,
        ),
    ),
    MethodDef(
        "Analytics",
        "PredictFleet",
        "Remaining useful life of all jars of a site, as it was foretold last",
        (ArgumentDef("Site", DataType.STRING, "Path of the site; empty: all of the fleet"),),
        (
            ArgumentDef("Jars", DataType.STRING, "Path of each jar", array=True),
            ArgumentDef("Days", DataType.DOUBLE, "Days to its end of life [d]; NaN: unknown", array=True),
            ArgumentDef("LowerDays", DataType.DOUBLE, "Lower bound of its 90 % interval [d]", array=True),
            ArgumentDef("UpperDays", DataType.DOUBLE, "Upper bound of its 90 % interval [d]", array=True),
            ArgumentDef("Confidences", DataType.STRING, "High, Medium or Low", array=True),
            ArgumentDef("TwinDays", DataType.DOUBLE, "What the twin says [d]", array=True),
            ArgumentDef(
                "ModelDays", DataType.DOUBLE, "What the learnt model says [d]; NaN: nothing", array=True
            ),
            ArgumentDef(
                "ReviewsRequired",
                DataType.BOOLEAN,
                "Whether both disagree: manual review required",
                array=True,
            ),
            ArgumentDef("ReplacementQuarters", DataType.STRING, "Quarter in which to replace it", array=True),
            ArgumentDef(
                "IssuedAt", DataType.DATE_TIME, "When the learnt model was asked; null: it never was"
            ),
            _MODEL_VERSION,
            ArgumentDef("Predictions", RUL_PREDICTION, "The same, with what each rests on", array=True),
        ),
    ),
    MethodDef(
        "Analytics",
        "ExplainRul",
        "What the remaining useful life of a jar rests on",
        (_JAR,),
        (
            *_WHY,
            ArgumentDef(
                "FactorDays", DataType.DOUBLE, "Days by which each changes it; NaN: unknown", array=True
            ),
            ArgumentDef(
                "SimilarCases", DataType.STRING, "Jars that were alike, and what became of them", array=True
            ),
            ArgumentDef("SimilarDays", DataType.DOUBLE, "Days that each lived on [d]", array=True),
            ArgumentDef("SimilarDistances", DataType.DOUBLE, "How unlike each was; 0: the same", array=True),
            ArgumentDef("TwinDays", DataType.DOUBLE, "What the twin says [d]"),
            ArgumentDef("ModelDays", DataType.DOUBLE, "What the learnt model says [d]; NaN: nothing"),
            ArgumentDef("ModelWeight", DataType.DOUBLE, "Share of the learnt model in the result, 0 to 0.4"),
            ArgumentDef("Review", DataType.STRING, "Why a person must look at it; empty: nobody needs to"),
            ArgumentDef("ReplacementQuarter", DataType.STRING, "Quarter in which to replace it"),
            ArgumentDef(
                "QuarterNotes", DataType.STRING, "What work in that quarter has to reckon with", array=True
            ),
            _MODEL_VERSION,
            ArgumentDef("TestError", DataType.DOUBLE, "That model's mean error on its test data [d]"),
            ArgumentDef("Prediction", RUL_PREDICTION, "The same in one, with days and interval"),
        ),
    ),
    MethodDef(
        "Analytics",
        "WhatIf",
        "Remaining useful life of a jar if it were warmer and its load another from now on",
        (
            _JAR,
            ArgumentDef("TemperatureShift", DataType.DOUBLE, "How much warmer [K], -20 to 20"),
            ArgumentDef("Load", DataType.DOUBLE, "Load [% of what it is now], 0 to 200"),
        ),
        (
            *_DAYS,
            ArgumentDef("PresentDays", DataType.DOUBLE, "The same as things are: days to end of life [d]"),
            ArgumentDef("PresentLowerDays", DataType.DOUBLE, "Lower bound of its 90 % interval [d]"),
            ArgumentDef("PresentUpperDays", DataType.DOUBLE, "Upper bound of its 90 % interval [d]"),
            _MODEL_VERSION,
        ),
    ),
)

MODELS: Final = (
    MethodDef(
        "Analytics",
        "Retrain",
        "Train a model in the background; it becomes a candidate, and nobody uses it before it is published",
        (
            ArgumentDef(
                "Source",
                DataType.STRING,
                "Historian: what became of this fleet's jars; PlantYears: years of the simulated plant; "
                "empty: the historian, or plant years where the plant is simulated",
            ),
            _COMMENT,
        ),
        (
            ArgumentDef(
                "JobId", DataType.STRING, "Identifies the training; its progress is told by variables"
            ),
        ),
    ),
    MethodDef(
        "Analytics",
        "CancelTraining",
        "End the training that runs, without a model",
        (ArgumentDef("JobId", DataType.STRING, "As Retrain gave it; empty: whichever runs"),),
    ),
    MethodDef(
        "Analytics",
        "PublishModel",
        "Have a model speak for the fleet from now on, if it passes the gates",
        (_VERSION, _COMMENT),
        (ArgumentDef("Previous", DataType.STRING, "Version that spoke before; empty: the twin alone"),),
    ),
    MethodDef(
        "Analytics",
        "RollbackModel",
        "Have the model speak again that was published before the present one",
        (_COMMENT,),
        (ArgumentDef("Version", DataType.STRING, "Version that speaks now"),),
    ),
    MethodDef(
        "Analytics",
        "RetireModel",
        "Set a candidate or shadow aside",
        (_VERSION, _COMMENT),
    ),
    MethodDef(
        "Analytics",
        "SetShadow",
        "Have a candidate predict beside the published model, for comparison, without anybody being told",
        (ArgumentDef("Version", DataType.STRING, "Version of the candidate; empty: none"),),
        (ArgumentDef("Previous", DataType.STRING, "Version that was shadow before; empty: none"),),
    ),
    MethodDef(
        "Analytics",
        "ListModels",
        "All models, the oldest first, with their figures",
        outputs=(
            ArgumentDef("Versions", DataType.STRING, "Version of each model", array=True),
            ArgumentDef("States", DataType.STRING, "Candidate, Shadow, Published or Retired", array=True),
            ArgumentDef("Created", DataType.DATE_TIME, "When it was trained", array=True),
            ArgumentDef("TrainedFrom", DataType.DATE_TIME, "Begin of its training data", array=True),
            ArgumentDef("TrainedTo", DataType.DATE_TIME, "Their end", array=True),
            ArgumentDef("DataHashes", DataType.STRING, "SHA-256 of its training data", array=True),
            ArgumentDef(
                "ApprovedBy", DataType.STRING, "Who published it first; empty: nobody yet", array=True
            ),
            ArgumentDef("Approved", DataType.DATE_TIME, "When; null: not yet", array=True),
            ArgumentDef(
                "Published", DataType.DATE_TIME, "When it was published last; null: never", array=True
            ),
            ArgumentDef(
                "Findings", DataType.STRING, "What its gates said last; empty: not asked", array=True
            ),
            ArgumentDef("Usable", DataType.BOOLEAN, "Whether its file is there and as it was", array=True),
            ArgumentDef("MetricVersions", DataType.STRING, "Version of the model of each figure", array=True),
            ArgumentDef("MetricNames", DataType.STRING, "Name of the figure", array=True),
            ArgumentDef("MetricValues", DataType.DOUBLE, "Its value", array=True),
        ),
    ),
)

ANALYTICS: Final = PREDICTIONS + MODELS

AUDIT: Final = (
    MethodDef(
        "Audit",
        "Read",
        "Entries of the audit trail",
        (
            ArgumentDef("Start", DataType.DATE_TIME, "Time of the first entry"),
            ArgumentDef("End", DataType.DATE_TIME, "Time that is not reached; before Start: newest first"),
            ArgumentDef("MaxEntries", DataType.UINT32, "Most entries to give; 0: as many as an answer holds"),
        ),
        (
            ArgumentDef("Times", DataType.DATE_TIME, "When it was done", array=True),
            ArgumentDef("EventTypes", DataType.UINT32, "Number of its audit event type", array=True),
            ArgumentDef("Actions", DataType.STRING, "What was done", array=True),
            ArgumentDef("Users", DataType.STRING, "Who did it; empty: nobody known", array=True),
            ArgumentDef("Peers", DataType.STRING, "From where, host and port", array=True),
            ArgumentDef("Sessions", DataType.STRING, "In which session", array=True),
            ArgumentDef("AuditEntryIds", DataType.STRING, "What the client calls it", array=True),
            ArgumentDef("StatusCodes", DataType.UINT32, "With which result", array=True),
            ArgumentDef("Targets", DataType.STRING, "On what", array=True),
            ArgumentDef("OldValues", DataType.STRING, "What it was before", array=True),
            ArgumentDef("NewValues", DataType.STRING, "What it was afterwards", array=True),
            ArgumentDef("Repeats", DataType.UINT32, "How often, when it was repeated in a flood", array=True),
        ),
    ),
)

HISTORIAN: Final = (
    MethodDef(
        "Historian",
        "Export",
        "Make a file of history, which the caller's session reads with the methods of FileType",
        (
            ArgumentDef(
                "Variables",
                DataType.STRING,
                "Such as Bangrak/UPS-1/S03/J07.Voltage; * and ? for a part of a name, ** for any levels",
                array=True,
            ),
            ArgumentDef("From", DataType.DATE_TIME, "Time of the first row; of a report: in its month"),
            ArgumentDef("To", DataType.DATE_TIME, "Time that is not reached; a report needs none"),
            ArgumentDef("Step", DataType.STRING, "raw, hourly or daily; a report needs none"),
            ArgumentDef("Format", DataType.STRING, "csv, parquet, xlsx; pdf: the monthly report"),
        ),
        (
            ArgumentDef("File", DataType.NODE_ID, "A FileType object for this session alone"),
            ArgumentDef("FileHandle", DataType.UINT32, "Handle with which it is open for reading"),
        ),
    ),
)

_INCIDENT = ArgumentDef("IncidentId", DataType.STRING, "Identifies the incident")
_CONDITIONS = ArgumentDef("Conditions", DataType.STRING, "Identifier of each condition", array=True)
_SEVERITIES = ArgumentDef("Severities", DataType.UINT32, "Severity of each, 1 to 1000", array=True)
_SINCE = ArgumentDef("Since", DataType.DATE_TIME, "Since when each does", array=True)

ALARMS: Final = (
    MethodDef(
        "Alarms",
        "ListIncidents",
        "Incidents, the latest first: alarms of one cause at one site",
        (ArgumentDef("OnlyOpen", DataType.BOOLEAN, "Leave out those that are closed"),),
        (
            ArgumentDef("Ids", DataType.STRING, "Identifies each incident", array=True),
            ArgumentDef("Sites", DataType.STRING, "Path of its site; Fleet: of the fleet itself", array=True),
            ArgumentDef("Causes", DataType.STRING, "Name of its cause; AlarmFlood: none known", array=True),
            ArgumentDef("FirstOuts", DataType.STRING, "Condition that became active first", array=True),
            ArgumentDef("Opened", DataType.DATE_TIME, "When its first condition became active", array=True),
            ArgumentDef("Closed", DataType.DATE_TIME, "When all was normal again; null: not yet", array=True),
            ArgumentDef("Members", DataType.UINT32, "How many conditions belong to it", array=True),
            ArgumentDef("Active", DataType.UINT32, "How many of them are active", array=True),
            ArgumentDef("Peaks", DataType.UINT32, "How many were active at once", array=True),
            ArgumentDef("Suppressed", DataType.UINT32, "How many were never shown as alarms", array=True),
            ArgumentDef("Unacknowledged", DataType.UINT32, "How many wait for operators", array=True),
            ArgumentDef("Severities", DataType.UINT32, "The highest severity that it had", array=True),
            ArgumentDef("States", DataType.STRING, "Open or Closed", array=True),
            ArgumentDef("Simulated", DataType.BOOLEAN, "Whether it is a simulation's", array=True),
        ),
    ),
    MethodDef(
        "Alarms",
        "IncidentMembers",
        "The conditions of an incident, in the order in which they became active",
        (_INCIDENT,),
        (
            _CONDITIONS,
            ArgumentDef("FirstTimes", DataType.DATE_TIME, "When each first became active", array=True),
            ArgumentDef("LastTimes", DataType.DATE_TIME, "When each last became active", array=True),
            ArgumentDef("Activations", DataType.UINT32, "How often each became active", array=True),
            _SEVERITIES,
            ArgumentDef("Active", DataType.BOOLEAN, "Whether it is active", array=True),
            ArgumentDef("Acknowledged", DataType.BOOLEAN, "Whether it is acknowledged", array=True),
            ArgumentDef("Suppressed", DataType.BOOLEAN, "Whether it was never shown", array=True),
        ),
    ),
    MethodDef(
        "Alarms",
        "AcknowledgeIncident",
        "Acknowledge every condition of an incident that waits for it, as each one's Acknowledge does",
        (_INCIDENT, ArgumentDef("Comment", DataType.STRING, "Comment of each; empty: leave the one it has")),
        (ArgumentDef("Acknowledged", DataType.UINT32, "How many were acknowledged"),),
    ),
    MethodDef(
        "Alarms",
        "ListStanding",
        "Alarms that have been active for more than a day, the oldest first",
        outputs=(_CONDITIONS, _SINCE, _SEVERITIES),
    ),
    MethodDef(
        "Alarms",
        "ListSuppressed",
        "What operators are not shown as alarms, and why; a condition once for each reason",
        outputs=(
            _CONDITIONS,
            ArgumentDef(
                "Reasons",
                DataType.STRING,
                "Shelved, ShelvedOnce, Suppressed, SuppressedByDesign, OutOfService or Disabled",
                array=True,
            ),
            _SINCE,
            ArgumentDef("Until", DataType.DATE_TIME, "When each ends by itself; null: never", array=True),
            ArgumentDef("Active", DataType.BOOLEAN, "Whether it is active", array=True),
            _SEVERITIES,
            ArgumentDef("Users", DataType.STRING, "Who acted on it last", array=True),
            ArgumentDef("Comments", DataType.STRING, "The last comment on it", array=True),
        ),
    ),
    MethodDef(
        "Alarms",
        "ListChattering",
        "Alarms that come and go too often, the most frequent first",
        outputs=(
            _CONDITIONS,
            _SINCE,
            ArgumentDef("Activations", DataType.UINT32, "How often each has been raised since", array=True),
        ),
    ),
    MethodDef(
        "Alarms",
        "BadActors",
        "The conditions that raise most of the alarms of the last 7 days, the worst first",
        outputs=(
            _CONDITIONS,
            ArgumentDef("Activations", DataType.UINT32, "How often each was raised", array=True),
            ArgumentDef("Shares", DataType.DOUBLE, "Its share of all alarms [%]", array=True),
        ),
    ),
    MethodDef(
        "Alarms",
        "Performance",
        "The figures of a site or the fleet against what EEMUA 191 and ISA-18.2 ask for",
        (ArgumentDef("Asset", DataType.STRING, "Path of a site; Fleet or empty: the fleet"),),
        (
            ArgumentDef("Figures", DataType.STRING, "Name of each figure", array=True),
            ArgumentDef("Values", DataType.DOUBLE, "Its value; NaN: not enough is known yet", array=True),
            ArgumentDef("Targets", DataType.DOUBLE, "Acceptable up to this", array=True),
            ArgumentDef("Maxima", DataType.DOUBLE, "Manageable up to this", array=True),
        ),
    ),
)

_CONDITION = ArgumentDef("Condition", DataType.STRING, "Name of the condition, such as TemperatureHigh")
_SETTINGS = ArgumentDef(
    "Names",
    DataType.STRING,
    "LowLowLimit, LowLimit, HighLimit, HighHighLimit, SeverityLowLow, SeverityLow, SeverityHigh, "
    "SeverityHighHigh, Hysteresis, OnDelay or OffDelay",
    array=True,
)

CONFIGURATION: Final = (
    MethodDef(
        "Alarms",
        "Configure",
        "Change limits, severities, hysteresis and delays of a condition in a part of the fleet, from now on",
        (
            _CONDITION,
            ArgumentDef(
                "Target",
                DataType.STRING,
                "Jar model, or path of a site, system, string or jar; Fleet or empty: all of the fleet",
            ),
            _SETTINGS,
            ArgumentDef(
                "Values",
                DataType.DOUBLE,
                "Their values, in the same order, delays in s; NaN takes a limit away",
                array=True,
            ),
        ),
        (ArgumentDef("Changed", DataType.UINT32, "How many conditions differ by it"),),
    ),
    MethodDef(
        "Alarms",
        "ResetConfiguration",
        "Forget what was changed at run time: conditions are again as the alarm file has them",
        (
            ArgumentDef("Condition", DataType.STRING, "Name of the condition; empty: all"),
            ArgumentDef("Target", DataType.STRING, "Target as it was given to Configure; empty: all"),
        ),
        (ArgumentDef("Forgotten", DataType.UINT32, "How many changes were forgotten"),),
    ),
    MethodDef(
        "Alarms",
        "ListConfiguration",
        "Where conditions differ from their definitions, by the alarm file and by what was changed since",
        outputs=(
            ArgumentDef("Conditions", DataType.STRING, "Name of the condition of each", array=True),
            ArgumentDef("Targets", DataType.STRING, "Jar model or path", array=True),
            ArgumentDef("Names", DataType.STRING, "What differs", array=True),
            ArgumentDef("Values", DataType.DOUBLE, "Its value; NaN: the limit is taken away", array=True),
            ArgumentDef("Users", DataType.STRING, "Who changed it; empty: the alarm file", array=True),
            ArgumentDef("Times", DataType.DATE_TIME, "When; null: the alarm file", array=True),
            ArgumentDef("Faults", DataType.STRING, "Why it is set aside; empty: it counts", array=True),
        ),
    ),
)

NOTIFICATION: Final = (
    MethodDef(
        "Alarms",
        "TestNotification",
        "Send a test message to a group of the notification file, to see that it can be reached",
        (ArgumentDef("Group", DataType.STRING, "Name of the group"),),
        (ArgumentDef("Addresses", DataType.UINT32, "How many addresses and webhooks it goes to"),),
    ),
)

_SITE = ArgumentDef("Site", DataType.STRING, "Path of a site; Fleet or empty: the fleet")
_QUARTERS = ArgumentDef("Quarters", DataType.UINT32, "How many, the present one included; 1 to 40")
_BEGAN = ArgumentDef("Began", DataType.DATE_TIME, "When it began")
_DONE_BY = ArgumentDef("DoneBy", DataType.STRING, "Who did it; empty: the caller")
_NOTE = ArgumentDef("Note", DataType.STRING, "What is to be known of it")
_LISTED = (
    ArgumentDef("Asset", DataType.STRING, "Path of an asset; Fleet or empty: all"),
    ArgumentDef("Start", DataType.DATE_TIME, "Time from which on it began"),
    ArgumentDef("End", DataType.DATE_TIME, "Time before which it began"),
    ArgumentDef("MaxEntries", DataType.UINT32, "Most entries to give; 0: as many as an answer holds"),
)
_ENTRIES = (
    ArgumentDef("Assets", DataType.STRING, "Path of each asset", array=True),
    ArgumentDef("Began", DataType.DATE_TIME, "When each began", array=True),
    ArgumentDef("Ended", DataType.DATE_TIME, "When each ended; null: it lasts", array=True),
)

MAINTENANCE: Final = (
    MethodDef(
        "Maintenance",
        "ReplacementForecast",
        "How many jars come to the end of their lives in each quarter of local time, and what they cost",
        (_SITE, _QUARTERS),
        (
            ArgumentDef(
                "Quarters", DataType.STRING, "Such as 2026-Q4; the first is the present one", array=True
            ),
            ArgumentDef("Expected", DataType.DOUBLE, "Expected number of jars", array=True),
            ArgumentDef(
                "Lower", DataType.DOUBLE, "Lower bound of the 90 % interval of their number", array=True
            ),
            ArgumentDef(
                "Upper", DataType.DOUBLE, "Upper bound of the 90 % interval of their number", array=True
            ),
            ArgumentDef("Costs", DataType.DOUBLE, "Expected cost of jars, labour and visits", array=True),
            ArgumentDef("LowerCosts", DataType.DOUBLE, "Cost at the lower bound", array=True),
            ArgumentDef("UpperCosts", DataType.DOUBLE, "Cost at the upper bound", array=True),
            ArgumentDef(
                "Notes", DataType.STRING, "SONGKRAN, MONSOON: what work then meets, by spaces", array=True
            ),
            ArgumentDef("Currency", DataType.STRING, "Currency of all costs"),
        ),
    ),
    MethodDef(
        "Maintenance",
        "MaintenancePlan",
        "Visits that replace every jar in or before its quarter, together where that is cheaper",
        (_SITE, _QUARTERS),
        (
            ArgumentDef("Sites", DataType.STRING, "Path of the site of each visit", array=True),
            ArgumentDef("Begins", DataType.DATE_TIME, "When each begins", array=True),
            ArgumentDef("Ends", DataType.DATE_TIME, "When it ends at the latest", array=True),
            ArgumentDef("VisitQuarters", DataType.STRING, "Quarter of each, such as 2026-Q4", array=True),
            ArgumentDef("Replacements", DataType.UINT32, "How many jars it replaces", array=True),
            ArgumentDef("Costs", DataType.DOUBLE, "Its cost: jars, labour, the visit", array=True),
            ArgumentDef(
                "Notes", DataType.STRING, "SONGKRAN, MONSOON, LATE: what to know, by spaces", array=True
            ),
            ArgumentDef("Jars", DataType.STRING, "Path of each jar that is replaced", array=True),
            ArgumentDef("Visits", DataType.UINT32, "Its visit, from 0", array=True),
            ArgumentDef("DueQuarters", DataType.STRING, "Quarter in which it is due", array=True),
            ArgumentDef("Reasons", DataType.STRING, "DUE, EARLY, WHOLE_STRING or LATE", array=True),
            ArgumentDef("WholeStrings", DataType.STRING, "Strings to be replaced as a whole", array=True),
            ArgumentDef("Cost", DataType.DOUBLE, "Cost of all visits"),
            ArgumentDef("SeparateCost", DataType.DOUBLE, "Cost if each jar had a visit of its own"),
            ArgumentDef(
                "GivenUp", DataType.DOUBLE, "Value of the service life that early replacement gives up"
            ),
            ArgumentDef("Currency", DataType.STRING, "Currency of all costs"),
        ),
    ),
    MethodDef(
        "Maintenance",
        "RecordMaintenance",
        "Record what was done to an asset; a replacement begins the lives of its jars anew",
        (
            ArgumentDef("Asset", DataType.STRING, "Path of a site, system, string or jar"),
            ArgumentDef(
                "Kind",
                DataType.STRING,
                "Inspection, Cleaning, Tightening, Equalisation, Repair, Replacement or Failure",
            ),
            _BEGAN,
            ArgumentDef("Ended", DataType.DATE_TIME, "When it ended; null: it lasts"),
            _DONE_BY,
            _NOTE,
            ArgumentDef("SerialNumber", DataType.STRING, "Of a new jar; empty: not known"),
            ArgumentDef(
                "BaselineResistance",
                DataType.DOUBLE,
                "Resistance of a new jar [mΩ at 25 °C]; 0 or NaN: that of its model",
            ),
        ),
        (ArgumentDef("Renewed", DataType.UINT32, "How many jars begin their lives anew"),),
    ),
    MethodDef(
        "Maintenance",
        "RecordCapacityTest",
        "Record a discharge of a string or jar to its end voltage; the twin learns from that of a jar",
        (
            ArgumentDef("Asset", DataType.STRING, "Path of a string or jar"),
            _BEGAN,
            ArgumentDef("Ended", DataType.DATE_TIME, "When the end voltage was reached"),
            ArgumentDef("DischargeCurrent", DataType.DOUBLE, "Mean current [A]"),
            ArgumentDef("EndVoltage", DataType.DOUBLE, "Voltage of a jar at which it ended [V]"),
            ArgumentDef("Temperature", DataType.DOUBLE, "Temperature of the jars at the beginning [°C]"),
            ArgumentDef("Capacity", DataType.DOUBLE, "Charge that was drawn [Ah], as measured"),
            ArgumentDef(
                "RatedCapacity",
                DataType.DOUBLE,
                "What a new jar gives at this current and 25 °C [Ah]; 0 or NaN: worked out from its model",
            ),
            _DONE_BY,
            _NOTE,
        ),
        (ArgumentDef("Health", DataType.DOUBLE, "Capacity at 25 °C against the rated one [%]"),),
    ),
    MethodDef(
        "Maintenance",
        "ListMaintenance",
        "What was done to an asset and to all below it, the oldest first",
        _LISTED,
        (
            *_ENTRIES,
            ArgumentDef("Kinds", DataType.STRING, "What was done", array=True),
            ArgumentDef("DoneBy", DataType.STRING, "Who did it", array=True),
            ArgumentDef("Notes", DataType.STRING, "What is to be known of it", array=True),
            ArgumentDef("SerialNumbers", DataType.STRING, "Of new jars; empty: not known", array=True),
            ArgumentDef(
                "BaselineResistances", DataType.DOUBLE, "Of new jars [mΩ]; NaN: not known", array=True
            ),
            ArgumentDef("Recorded", DataType.DATE_TIME, "When it was recorded", array=True),
            ArgumentDef("RecordedBy", DataType.STRING, "By whom; Plant: a simulated plant", array=True),
        ),
    ),
    MethodDef(
        "Maintenance",
        "ListCapacityTests",
        "Capacity tests of an asset and of all below it, the oldest first",
        _LISTED,
        (
            *_ENTRIES,
            ArgumentDef("DischargeCurrents", DataType.DOUBLE, "Mean current [A]", array=True),
            ArgumentDef("EndVoltages", DataType.DOUBLE, "Voltage of a jar at which it ended [V]", array=True),
            ArgumentDef("Temperatures", DataType.DOUBLE, "Temperature of the jars [°C]", array=True),
            ArgumentDef("Capacities", DataType.DOUBLE, "Charge that was drawn [Ah]", array=True),
            ArgumentDef("RatedCapacities", DataType.DOUBLE, "What a new jar gives [Ah]", array=True),
            ArgumentDef(
                "Healths", DataType.DOUBLE, "Capacity at 25 °C against the rated one [%]", array=True
            ),
            ArgumentDef("DoneBy", DataType.STRING, "Who did it", array=True),
            ArgumentDef("Notes", DataType.STRING, "What is to be known of it", array=True),
        ),
    ),
)

METHODS: Final = (
    SIMULATION + ANALYTICS + MAINTENANCE + AUDIT + HISTORIAN + ALARMS + CONFIGURATION + NOTIFICATION
)
