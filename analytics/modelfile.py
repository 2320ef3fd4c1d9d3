"""The artefact of a model: a zip of manifest, boosters, failed jars and the training rows' shares; pure.

ArtefactError is a ValueError: the bytes are damaged, of another format, or of other features than these.
"""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.cases import Cases
from analytics.conformal import Margins
from analytics.drift import Reference
from analytics.features import NAMES
from analytics.model import RulModel
from analytics.modelcard import ModelCard
from analytics.novelty import Range

FORMAT: Final = 1
BOOSTERS: Final = ("lower.cbm", "median.cbm", "upper.cbm")
_LARGEST: Final = 32 << 20  # bytes of all parts unpacked
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # of every file, so that the same model gives the same bytes


class ArtefactError(ValueError):
    """What is wrong with an artefact, in words."""


def packed(model: RulModel) -> bytes:
    """The artefact of a model."""
    manifest = {
        "format": FORMAT,
        "card": model.card.as_dict(),
        "margins": dataclasses.asdict(model.margins),
        "range": {f.name: getattr(model.range, f.name).tolist() for f in dataclasses.fields(Range)},
        "pace": model.pace,
    }
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False).encode()
    parts = [("manifest.json", text), *zip(BOOSTERS, model.boosters, strict=True)]
    cases = {f.name: getattr(model.cases, f.name) for f in dataclasses.fields(Cases)}
    parts += [("cases.npz", _arrays(cases)), ("reference.npz", _arrays(model.reference.arrays()))]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, part in parts:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            file.writestr(entry, part, compresslevel=9)
    return content.getvalue()


def unpacked(content: bytes) -> RulModel:
    """The model of an artefact; raises ArtefactError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            if sum(entry.file_size for entry in file.infolist()) > _LARGEST:
                raise ArtefactError("This is too large for a model.")
            return _model(file)
    except ArtefactError:
        raise
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, EOFError, OSError) as error:
        raise ArtefactError(f"This is no model of Voltkeep, or it is damaged: {error}") from None


def _model(file: zipfile.ZipFile) -> RulModel:
    manifest = json.loads(file.read("manifest.json"))
    if manifest["format"] != FORMAT:
        raise ArtefactError(f"The model is of format {manifest['format']}; this program reads {FORMAT}.")
    card = ModelCard.from_dict(manifest["card"])
    if card.features != NAMES:
        raise ArtefactError("The model was trained on other features than this program has.")
    lower, median, upper = (file.read(name) for name in BOOSTERS)
    return RulModel(
        card=card,
        boosters=(lower, median, upper),
        margins=Margins(**{name: tuple(value) for name, value in manifest["margins"].items()}),
        range=Range(**{name: np.array(value, np.float64) for name, value in manifest["range"].items()}),
        pace=float(manifest["pace"]),
        cases=Cases(**_unpacked_arrays(file.read("cases.npz"))),
        reference=Reference.of(_unpacked_arrays(file.read("reference.npz"))),
    )


def _arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **dict(arrays))
    return content.getvalue()


def _unpacked_arrays(content: bytes) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
