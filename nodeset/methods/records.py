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
