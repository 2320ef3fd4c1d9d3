"""The artefacts of models as files: one zip a version in `home/models`, written beside and moved into place.

What is read is what was registered: its SHA-256 is asked for each time. Damage is an `ArtefactError`
(`analytics.modelfile`) with the file's name.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from analytics.modelfile import ArtefactError

FOLDER: Final = "models"
DEFAULT: Final = Path(__file__).parents[2] / "analytics" / "default" / "rul-model.zip"
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LARGEST: Final = 32 << 20  # bytes


class Artefacts:
    """The files of `folder`. All of it blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, version: str) -> Path:
        """Where the artefact of a version is, or would be; `ArtefactError` for what can be no version."""
        if _VERSION.fullmatch(version) is None:
            raise ArtefactError(f"'{version}' cannot be the version of a model.")
        return self._folder / f"{version}.zip"

    def put(self, version: str, content: bytes) -> None:
        """Keep the artefact of a version; one that is there already is not written again."""
        path = self.path(version)
        if not path.exists() or path.read_bytes() != content:
            _write(path, content)

    def read(self, version: str, digest: bytes | None) -> bytes:
        """The artefact of a version, whose SHA-256 must be `digest`."""
        path = self.path(version)
        try:
            content = read_file(path)
        except OSError as error:
            raise ArtefactError(f"{path} cannot be read: {error.strerror or error}.") from None
        if digest is not None and sha256(content) != digest:
            raise ArtefactError(f"{path} is not as it was registered: its SHA-256 differs.")
        return content

    def usable(self, version: str, digest: bytes | None) -> bool:
        """Whether the artefact is there, as it was registered."""
        try:
            self.read(version, digest)
        except ArtefactError:
            return False
        return True

    def found(self) -> Iterator[str]:
        """Versions of the files that are there."""
        for path in sorted(self._folder.glob("*.zip")):
            if _VERSION.fullmatch(path.stem) is not None:
                yield path.stem


def read_file(path: Path) -> bytes:
    """A file that may hold a model: of one that is too large no more than its begin is read."""
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ArtefactError(f"{path} is too large for a model.")
    return content


def sha256(content: bytes) -> bytes:
    """Digest of an artefact."""
    return hashlib.sha256(content).digest()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
