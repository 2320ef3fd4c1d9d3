"""Methods of `Objects/Fleet/Alarms`: incidents, figures, configuration and notification (A5, A6)."""

from __future__ import annotations

from typing import Final

from nodeset.datatypes import DataType
from nodeset.methods.method import ArgumentDef, MethodDef

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
    MethodDef(
        "Alarms",
        "ListDefinitions",
        "The conditions as the alarm file declares them for all assets of a type, before anything differs",
        outputs=(
            ArgumentDef("Conditions", DataType.STRING, "Name of each condition", array=True),
            ArgumentDef("Assets", DataType.STRING, "Type of asset that has it", array=True),
            ArgumentDef("Counts", DataType.UINT32, "How many of them there are", array=True),
            ArgumentDef("Tags", DataType.STRING, "Tag that it watches", array=True),
            ArgumentDef("Measures", DataType.STRING, "What of the tag it compares with limits", array=True),
            ArgumentDef("Units", DataType.STRING, "Unit of limits and hysteresis; empty: none", array=True),
            ArgumentDef("Cells", DataType.UINT32, "Cells of the jar that limits are for; 0: any", array=True),
            ArgumentDef("Classes", DataType.STRING, "Process, maintenance, safety or system", array=True),
            *(
                ArgumentDef(f"{level}Limits", DataType.DOUBLE, "Its limit; NaN: none", array=True)
                for level in ("LowLow", "Low", "High", "HighHigh")
            ),
            *(
                ArgumentDef(f"Severities{level}", DataType.UINT32, "Severity there; 0: no limit", array=True)
                for level in ("LowLow", "Low", "High", "HighHigh")
            ),
            ArgumentDef("Hystereses", DataType.DOUBLE, "How far inside a limit it clears", array=True),
            ArgumentDef("OnDelays", DataType.DOUBLE, "How long a limit must be exceeded [s]", array=True),
            ArgumentDef("OffDelays", DataType.DOUBLE, "How long it must be cleared [s]", array=True),
            ArgumentDef("Advice", DataType.STRING, "What operators are told to do", array=True),
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
