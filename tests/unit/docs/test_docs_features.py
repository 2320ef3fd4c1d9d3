"""The table of features in docs/analytics.md is what `FEATURES` declares."""

from __future__ import annotations

from pathlib import Path

from analytics.features import FEATURES, FeatureDef

DOC = Path(__file__).parents[3] / "docs" / "analytics.md"
HEAD = ("| feature | unit | what it is | warmer air | more of it: life |", "|---|---|---|---|---|")
SIGNS = {-1: "shorter", 0: "", 1: "longer"}


def _row(feature: FeatureDef) -> str:
    moves = "moves" if feature.temperature else ""
    return (
        f"| `{feature.name}` | {feature.unit} | {feature.description} | {moves} | {SIGNS[feature.monotone]} |"
    )


def test_the_table_of_features_is_what_is_declared() -> None:
    lines = DOC.read_text().splitlines()
    start = lines.index(HEAD[0])
    expected = [*HEAD, *(_row(feature) for feature in FEATURES), ""]
    assert lines[start : start + len(expected)] == expected
