"""The structures of `urn:voltkeep:types` (Part 3, 5.8.3), declared once.

The NodeSet's DataTypes with their definitions, and what the server encodes, derive from these: fields in the
order of declaration, none of them optional.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nodeset.datatypes import DataType


@dataclass(frozen=True)
class FieldDef:
    """One field: a scalar, or an array of one dimension."""

    name: str
    data_type: DataType
    description: str
    array: bool = False


@dataclass(frozen=True)
class StructureDef:
    """A DataType below Structure; its identifier is its name, that of its binary encoding `encoding`."""

    name: str
    description: str
    fields: tuple[FieldDef, ...]

    @property
    def encoding(self) -> str:
        """Identifier of the object that stands for its binary encoding (Part 3, 5.8.4)."""
        return f"{self.name}.DefaultBinary"


RUL_PREDICTION: Final = StructureDef(
    "RulPredictionType",
    "What is foretold of a jar's remaining useful life, and what that rests on",
    (
        FieldDef("Jar", DataType.STRING, "Path of the jar"),
        FieldDef("IssuedAt", DataType.DATE_TIME, "When the learnt model was asked; null: it never was"),
        FieldDef("Days", DataType.DOUBLE, "Days to end of life [d]; NaN: nothing is known yet"),
        FieldDef("LowerDays", DataType.DOUBLE, "Lower bound of the 90 % interval [d]"),
        FieldDef("UpperDays", DataType.DOUBLE, "Upper bound of the 90 % interval [d]"),
        FieldDef("Confidence", DataType.STRING, "High, Medium or Low"),
        FieldDef("TwinDays", DataType.DOUBLE, "What the twin says [d]"),
        FieldDef("ModelDays", DataType.DOUBLE, "What the learnt model says [d]; NaN: nothing"),
        FieldDef("ModelWeight", DataType.DOUBLE, "Share of the learnt model in Days, 0 to 0.4"),
        FieldDef("ReviewRequired", DataType.BOOLEAN, "Whether both disagree: manual review required"),
        FieldDef("Factors", DataType.STRING, "What shortens its life most", array=True),
        FieldDef("Shares", DataType.DOUBLE, "Share of each factor, 0 to 1", array=True),
        FieldDef(
            "SimilarCases", DataType.STRING, "Jars that were alike, and what became of them", array=True
        ),
        FieldDef("ReplacementQuarter", DataType.STRING, "Quarter in which to replace it; empty: unknown"),
        FieldDef("QuarterNotes", DataType.STRING, "What work in that quarter has to reckon with", array=True),
        FieldDef("ModelVersion", DataType.STRING, "Version of the model that answered"),
        FieldDef("TestError", DataType.DOUBLE, "That model's mean error on its test data [d]; NaN: unknown"),
    ),
)

STRUCTURES: Final = (RUL_PREDICTION,)
