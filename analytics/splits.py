"""Which rows a model learns from, which calibrate its interval and which judge it; pure.

Jars of one string share room, load, outages and the day they were installed, so that rows split by jar would
let a model recognise its neighbours. Whole strings go to one part (60 % training, 20 % calibration, 20 %
test, in each site alike, so that each site has all three), and whole sites are kept back as `unseen`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.outcomes import Outcomes
from analytics.parameters import Mask

UNSEEN: Final = ("Khon Kaen", "Sriracha")  # of the shipped fleet: one of the north-east, one at the sea
TRAIN, CALIBRATION = 0.6, 0.2  # of a site's strings; the rest is test

_GOLDEN: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
_MIX: Final = (np.uint64(0xBF58_476D_1CE4_E5B9), np.uint64(0x94D0_49BB_1331_11EB))


@dataclass(frozen=True)
class Split:
    """Where each row belongs, masks of shape (rows,); each row is in exactly one of them."""

    train: Mask
    calibration: Mask
    test: Mask
    unseen: Mask  # all rows of sites that no other part has


def unseen_sites(names: Sequence[str]) -> tuple[int, ...]:
    """Numbers of the sites that are kept back, of a fleet with sites of these `names`; none elsewhere."""
    return tuple(i for i, name in enumerate(names) if name in UNSEEN)


def split(outcomes: Outcomes, unseen: Collection[int]) -> Split:
    """The parts of `outcomes`, with the sites numbered `unseen` kept back.

    The same rows give the same parts in any order, and more strings of other sites change nothing.
    """
    kept_back = np.isin(outcomes.site, list(unseen))
    strings, first, of_row = np.unique(outcomes.string, return_index=True, return_inverse=True)
    place = _place(strings, outcomes.site[first])[of_row]
    return Split(
        train=~kept_back & (place < TRAIN),
        calibration=~kept_back & (place >= TRAIN) & (place < TRAIN + CALIBRATION),
        test=~kept_back & (place >= TRAIN + CALIBRATION),
        unseen=kept_back,
    )


def _place(strings: NDArray[np.int64], site: NDArray[np.intp]) -> NDArray[np.float64]:
    """Place (0 to 1) of each string among those of its site, in an order that means nothing."""
    place = np.zeros(len(strings))
    shuffled = _hash(strings)
    for each in np.unique(site):
        members = np.flatnonzero(site == each)
        ranks = np.argsort(np.argsort(shuffled[members]))
        place[members] = (ranks + 0.5) / len(members)
    return place


def _hash(keys: NDArray[np.int64]) -> NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, doi:10.1145/2660193.2660195) of each key."""
    mixed = keys.astype(np.uint64) * _GOLDEN + _GOLDEN
    for shift, factor in zip((30, 27), _MIX, strict=True):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * factor
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
