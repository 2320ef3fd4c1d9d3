"""axe-core in a page: which rules of WCAG 2.0 to 2.2, levels A and AA, what is shown breaks."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

SCRIPT: Final = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"
WCAG: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
GRAVE: Final = ("serious", "critical")
# Names of rules have hyphens, names of sets of rules have none.
_RUN: Final = """async (rules) => {
  const found = await axe.run(document, {
    runOnly: { type: rules[0].includes('-') ? 'rule' : 'tag', values: rules }, resultTypes: ['violations'],
  });
  return found.violations.flatMap(({ id, impact, nodes }) =>
    nodes.map((node) => [impact, `${id}: ${node.target.join(' ')}: ${node.failureSummary}`]));
}"""


@cache
def _source() -> str:
    return SCRIPT.read_text(encoding="utf-8")


def installed() -> bool:
    """Whether npm has brought axe-core."""
    return SCRIPT.exists()


def grave_faults(page: Page, rules: list[str] = WCAG) -> list[str]:
    """What axe calls serious or critical, each with the rule, the element and what is wrong with it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_source())
    return [text for impact, text in page.evaluate(_RUN, rules) if impact in GRAVE]
