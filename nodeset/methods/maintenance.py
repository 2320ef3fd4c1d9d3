"""Methods of `Objects/Fleet/Maintenance`: forecast, plan and records of work (R9)."""

from __future__ import annotations

from typing import Final

from nodeset.datatypes import DataType
from nodeset.methods.method import ArgumentDef, MethodDef

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
