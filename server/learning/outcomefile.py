"""Outcomes as a file, so that plant years need to be simulated once only: NumPy's `npz`, an array a field."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from analytics.features import NAMES
from analytics.outcomes import Outcomes
from server.errors import RequestError


def save(outcomes: Outcomes, path: Path) -> None:
    """Write outcomes with the names of their features; the folder is made, the file appears whole or not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f.name: getattr(outcomes, f.name) for f in dataclasses.fields(Outcomes)}
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        np.savez_compressed(file, names=np.array(NAMES), **arrays)
    part.replace(path)


def load(path: Path) -> Outcomes:
    """Read what `save` wrote; raises RequestError where it is not that, or of other features than today's."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if tuple(file["names"].tolist()) != NAMES:
                raise RequestError(f"{path} has other features than this version of Voltkeep; delete it.")
            return Outcomes(**{f.name: file[f.name] for f in dataclasses.fields(Outcomes)})
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise RequestError(f"{path} cannot be read as outcomes: {error}") from None
