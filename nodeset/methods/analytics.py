"""Methods of `Objects/Fleet/Analytics`: predictions and the models behind them (R8)."""

from __future__ import annotations

from typing import Final

from nodeset.datatypes import DataType
from nodeset.methods.method import ArgumentDef, MethodDef
from nodeset.structures import RUL_PREDICTION

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
        "DescribeModel",
        "Where a model comes from, as its card says: seeds, splits, features, recipe",
        (_VERSION,),
        (
            ArgumentDef("Facts", DataType.STRING, "Name of each fact", array=True),
            ArgumentDef("Values", DataType.STRING, "What the card says of it", array=True),
        ),
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
