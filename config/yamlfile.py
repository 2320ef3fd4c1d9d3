"""YAML with line numbers: `load` reads a file, `check` validates it and names key and line of what is wrong.

A wrong file raises `ConfigurationError`, whose text is meant for the user as it is:
``fleet.yaml:12: sites.2.region: Input should be 'Northern', ...``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Key = str | int
Loc = tuple[Key, ...]
Model = TypeVar("Model", bound=BaseModel)


class ConfigurationError(Exception):
    """A file or setting that Voltkeep cannot start with; the text names file, line and key."""


@dataclass(frozen=True)
class YamlFile:
    """A parsed file: its data, and the line (from 1) on which each key stands."""

    path: Path
    data: Any
    lines: Mapping[Loc, int]

    def line(self, loc: Loc) -> int:
        """Line of `loc`, or of its nearest parent that stands in the file."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)

    def error(self, loc: Loc, message: str) -> str:
        """One line that tells the user what is wrong, and where."""
        return f"{self.path}:{self.line(loc)}: {'.'.join(map(str, loc)) or 'file'}: {message}"


def load(path: Path) -> YamlFile:
    """Read `path`; duplicate keys and YAML faults raise `ConfigurationError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text") from None
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Loc, int] = {}
        if node is not None:
            _number(path, node, (), lines)
        return YamlFile(path, {} if node is None else loader.construct_document(node), lines)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{path}:{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"{path}: not YAML: {error}") from None
    finally:
        loader.dispose()


def _number(path: Path, node: yaml.Node, loc: Loc, lines: dict[Loc, int]) -> None:
    lines.setdefault(loc, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            child = (*loc, str(key.value))
            if child in lines:
                raise ConfigurationError(f"{path}:{key.start_mark.line + 1}: key '{key.value}' stands twice")
            lines[child] = key.start_mark.line + 1
            _number(path, value, child, lines)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            _number(path, value, (*loc, i), lines)


def check(file: YamlFile, model: type[Model]) -> Model:
    """Validate the file's data as `model`; every fault is listed in one `ConfigurationError`."""
    try:
        return model.model_validate(file.data)
    except ValidationError as error:
        raise ConfigurationError(describe(file, error)) from None


def describe(file: YamlFile, error: ValidationError) -> str:
    """The faults of a pydantic error, a line each, with file, line and key."""
    rows = []
    for fault in error.errors():
        loc = tuple(k for k in fault["loc"] if k != "[key]")
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = "unknown key"
        rows.append(file.error(loc, message))
    return "\n".join(rows)
