"""Methods of `Objects/Fleet/Audit` and `Objects/Fleet/Historian`: what was written down."""

from __future__ import annotations

from typing import Final

from nodeset.datatypes import DataType
from nodeset.methods.method import ArgumentDef, MethodDef

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

_FILE: Final = (
    ArgumentDef("File", DataType.NODE_ID, "A FileType object for this session alone"),
    ArgumentDef("FileHandle", DataType.UINT32, "Handle with which it is open for reading"),
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
        _FILE,
    ),
    MethodDef(
        "Historian",
        "MakeReport",
        "Make the report of a month or a week, which the caller's session reads with the methods of FileType",
        (
            ArgumentDef("Period", DataType.STRING, "2026-10, or 2026-W45; empty: the last whole month"),
            ArgumentDef("Site", DataType.STRING, "Name of a site; empty: the whole fleet"),
            ArgumentDef("Format", DataType.STRING, "pdf; xlsx: a workbook; csv: the table of jars"),
            ArgumentDef("Language", DataType.STRING, "en, th; empty: that of the settings"),
            ArgumentDef("Calendar", DataType.STRING, "common, buddhist; empty: that of the settings"),
        ),
        _FILE,
    ),
    MethodDef(
        "Historian",
        "ListReports",
        "Reports that go out by schedule, and what became of each last time",
        outputs=(
            ArgumentDef("Names", DataType.STRING, "Name of each schedule", array=True),
            ArgumentDef("Every", DataType.STRING, "month or week", array=True),
            ArgumentDef("Sites", DataType.STRING, "Site of each; empty: the whole fleet", array=True),
            ArgumentDef("Formats", DataType.STRING, "pdf xlsx csv", array=True),
            ArgumentDef("Languages", DataType.STRING, "en, th", array=True),
            ArgumentDef("Calendars", DataType.STRING, "common, buddhist", array=True),
            ArgumentDef("Places", DataType.STRING, "Folder and addresses", array=True),
            ArgumentDef("Next", DataType.DATE_TIME, "When each is due next", array=True),
            ArgumentDef("Due", DataType.DATE_TIME, "When each was due last; null: not yet", array=True),
            ArgumentDef("Delivered", DataType.DATE_TIME, "When that one was delivered", array=True),
            ArgumentDef("Outcomes", DataType.STRING, "None, Due, Delivered, Failing, Failed", array=True),
            ArgumentDef("Errors", DataType.STRING, "Why not", array=True),
        ),
    ),
    MethodDef(
        "Historian",
        "DeliverReport",
        "Make the last report of a schedule anew and deliver it to all its places",
        (ArgumentDef("Name", DataType.STRING, "Name of the schedule"),),
    ),
)
