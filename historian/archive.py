"""A backup as a file: a tar whose every member can be read and checked by itself.

Tables are in members of at most `MEMBER_BYTES` of COPY text and one more row, packed with gzip; files of home
are members as they are. `manifest.json` and its SHA-256 come last, so what was cut short has none and is
refused before anything is done with it. Memory is that of three members, however large the archive.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Final

from historian.errors import HistorianError
from historian.manifest import Manifest, Member

MEMBER_BYTES: Final = 16_000_000
MANIFEST: Final = "manifest.json"
MANIFEST_SUM: Final = "manifest.sha256"
_README: Final = b"""\
A backup of Voltkeep. `voltkeep restore FILE` restores it, `voltkeep restore --verify FILE` checks it.

home/           files of the server's home: certificates and keys, secrets, states
tables/         rows of the database, a folder a table: text as PostgreSQL's COPY reads it, packed with gzip
manifest.json   columns and rows of each table, and the SHA-256 of every file, unpacked
"""
_SECRET: Final = 0o600
_LEVEL: Final = 1  # of gzip: the next one takes twice as long for a tenth less
_GZIP: Final = 31  # zlib's code for its container
_CHUNK: Final = 1 << 20

Block = tuple[bytes, int]  # COPY text, and how many rows it has


class ArchiveWriter:
    """Writes an archive beside `path` and moves it into place when it is whole; used as a context."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beside = path.with_name(path.name + ".partial")

    def __enter__(self) -> ArchiveWriter:
        self._beside.unlink(missing_ok=True)
        self._file = open(os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SECRET), "wb")
        self._tar = tarfile.TarFile(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)
        self._packer = ThreadPoolExecutor(1)  # while the database sends the next
        self._put("README", _README)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._packer.shutdown()
        self._file.close()
        self._beside.unlink(missing_ok=True)

    def add_rows(self, folder: str, blocks: Iterable[Block]) -> tuple[Member, ...]:
        """Add rows of a table as the members of a folder."""
        members: list[Member] = []
        packing: Future[bytes] | None = None
        for content, rows in blocks:
            if packing is not None:
                self._put(members[-1].name, packing.result())
            name = f"tables/{folder}/{len(members)}.copy.gz"
            members.append(Member(name, len(content), hashlib.sha256(content).hexdigest(), rows))
            packing = self._packer.submit(_packed, content)
        if packing is not None:
            self._put(members[-1].name, packing.result())
        return tuple(members)

    def add_file(self, name: str, path: Path) -> Member:
        """Add a file of home, as `name` in there."""
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            info = tarfile.TarInfo(f"home/{name}")
            info.size, info.mode, info.mtime = status.st_size, status.st_mode & 0o777, int(status.st_mtime)
            hashed = _Hashed(file)
            self._tar.addfile(info, hashed)
        return Member(info.name, info.size, hashed.digest.hexdigest(), mode=info.mode)

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest, and put the archive in its place."""
        text = manifest.text().encode()
        self._put(MANIFEST, text)
        self._put(MANIFEST_SUM, hashlib.sha256(text).hexdigest().encode() + b"\n")
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._beside.replace(self._path)

    def _put(self, name: str, content: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), _SECRET
        self._tar.addfile(info, io.BytesIO(content))


class Archive:
    """An archive for reading, used as a context; `HistorianError` for what is none, not whole, or changed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Archive:
        try:
            self._file = self._path.open("rb")
        except OSError as error:
            raise HistorianError(f"{self._path} cannot be read: {error.strerror}") from None
        try:
            self._tar = tarfile.TarFile(fileobj=self._file, mode="r")
            self._infos = {info.name: info for info in self._tar}
            self.manifest = self._manifest()
        except tarfile.TarError as error:
            self._file.close()
            raise self._damaged(str(error)) from None
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _manifest(self) -> Manifest:
        if MANIFEST_SUM not in self._infos:
            raise self._damaged("its end is missing")
        text = self._raw(MANIFEST)
        if hashlib.sha256(text).hexdigest().encode() != self._raw(MANIFEST_SUM).strip():
            raise self._damaged("its manifest was changed")
        return Manifest.parse(text.decode(errors="replace"))

    def rows(self, member: Member) -> bytes:
        """COPY text of a member of a table, checked."""
        packer = zlib.decompressobj(_GZIP)
        try:
            content = packer.decompress(self._raw(member.name), member.bytes + 1)
        except zlib.error as error:
            raise self._damaged(f"{member.name}: {error}") from None
        self._check(member, len(content), hashlib.sha256(content).hexdigest())
        if content.count(b"\n") != member.rows:
            raise self._damaged(f"{member.name} has not the {member.rows:,} rows of the manifest")
        return content

    def extract(self, member: Member, home: Path) -> Path:
        """Write a file of home into `home`, checked; gives its path."""
        parts = PurePosixPath(member.name).parts[1:]
        if not parts or ".." in parts or member.name.startswith("/"):
            raise self._damaged(f"{member.name} is no name of a file of home")
        path = home.joinpath(*parts)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SECRET), "wb") as file:
            self._copy(member, file)
            os.fchmod(file.fileno(), member.mode & 0o777)
        return path

    def verify(self, member: Member) -> None:
        """Check a file of home without writing it."""
        with open(os.devnull, "wb") as nowhere:
            self._copy(member, nowhere)

    def _copy(self, member: Member, target: IO[bytes]) -> None:
        hashed, size = _Hashed(self._open(member.name)), 0
        while chunk := hashed.read(_CHUNK):
            size += target.write(chunk)
        self._check(member, size, hashed.digest.hexdigest())

    def _check(self, member: Member, size: int, digest: str) -> None:
        if (size, digest) != (member.bytes, member.sha256):
            raise self._damaged(f"{member.name} is not as it was written")

    def _raw(self, name: str) -> bytes:
        return self._open(name).read()

    def _open(self, name: str) -> IO[bytes]:
        info = self._infos.get(name)
        found = None if info is None else self._tar.extractfile(info)
        if found is None:
            raise self._damaged(f"{name} is missing")
        return found

    def _damaged(self, reason: str) -> HistorianError:
        return HistorianError(f"{self._path} is no whole backup of Voltkeep: {reason}.")


class _Hashed:
    """Reads a file, and knows the SHA-256 of what it has read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        chunk = self._file.read(size)
        self.digest.update(chunk)
        return chunk


def _packed(content: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(content) + packer.flush()
