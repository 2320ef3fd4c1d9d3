"""Which rules tell a condition: by part of the fleet, class, name, severity; of each group the first does."""

from __future__ import annotations

from config.notifyfile import Rule
from server.notify.notice import Notice


class Rules:
    """The rules of the file, in its order."""

    def __init__(self, rules: list[Rule]) -> None:
        self.by_name = {rule.name: rule for rule in rules}
        self._rules = [_Matcher(rule) for rule in rules]

    def concern(self, name: str, kind: str, source: str, simulated: bool) -> bool:
        """Whether any rule may tell a condition, whatever its severity."""
        return any(rule.concerns(name, kind, source, simulated) for rule in self._rules)

    def matching(self, notice: Notice) -> list[Rule]:
        """The rules that tell it; no two of them tell the same group."""
        found: dict[str, Rule] = {}
        for rule in self._rules:
            if rule.severity <= notice.severity and rule.concerns(
                notice.name, notice.kind, notice.place, notice.simulated
            ):
                found.setdefault(rule.rule.to, rule.rule)
        return list(found.values())


class _Matcher:
    """One rule, quick to ask."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.severity = rule.severity
        self._classes = frozenset(rule.classes)
        self._conditions = frozenset(rule.conditions)
        self._where = frozenset(rule.where)
        self._below = tuple(f"{path}/" for path in rule.where)

    def concerns(self, name: str, kind: str, source: str, simulated: bool) -> bool:
        """Whether the rule is about it, whatever its severity."""
        return (
            (not self._classes or kind in self._classes)
            and (not self._conditions or name in self._conditions)
            and (not self._where or source in self._where or source.startswith(self._below))
            and (self.rule.simulated or not simulated)
        )
