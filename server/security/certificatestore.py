"""Certificates on disk: which are trusted, which only complete chains, which were refused.

    trusted/certs, trusted/crl    certificates and CAs that are trusted, and lists of what they revoked
    issuers/certs, issuers/crl    CAs that complete a chain without being trusted, and theirs
    rejected                      the newest that were refused, for a person to look at and move

An administrator works with these folders by moving files. They are read again when something in them
changed, so that the next connection finds it. Files are DER or PEM; what cannot be read is left out and said.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from server.security.trust import CertificateError, TrustList, common_name, parse, thumbprint

log = structlog.get_logger(__name__)

MAX_REJECTED: Final = 50
_MAX_FILES: Final = 1000  # of one folder
_MAX_FILE: Final = 16 << 20  # bytes; revocation lists grow
_PEM: Final = b"-----BEGIN"
_FOLDERS: Final = ("trusted/certs", "trusted/crl", "issuers/certs", "issuers/crl", "rejected")

Made = TypeVar("Made")
_State = tuple[tuple[str, int, int], ...]


class CertificateStore:
    """The folders under `root`, made with rights for their owner only."""

    def __init__(self, root: Path, max_rejected: int = MAX_REJECTED) -> None:
        self.root = root
        self._max_rejected = max_rejected
        self._state: tuple[_State, ...] | None = None
        self._lists = TrustList()
        for name in _FOLDERS:
            for folder in (root, (root / name).parent, root / name):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def trusted(self) -> Path:
        """Folder of trusted certificates."""
        return self.root / "trusted" / "certs"

    @property
    def rejected(self) -> Path:
        """Folder of refused certificates."""
        return self.root / "rejected"

    def trust_list(self) -> TrustList:
        """What the folders hold now."""
        state = tuple(_state(self.root / name) for name in _FOLDERS[:4])
        if state != self._state:
            certificates = [list(_certificates(self.root / name)) for name in _FOLDERS[0:4:2]]
            crls = [crl for name in _FOLDERS[1:4:2] for crl in _crls(self.root / name)]
            self._lists = TrustList(tuple(certificates[0]), tuple(certificates[1]), tuple(crls))
            self._state = state
        return self._lists

    def trust(self, certificate: x509.Certificate) -> Path:
        """Put a certificate among the trusted ones; its file."""
        return _write(self.trusted / file_name(certificate), certificate)

    def reject(self, certificate: x509.Certificate) -> Path:
        """Put a certificate among the refused ones, of which the newest are kept; its file."""
        path = self.rejected / file_name(certificate)
        if path.exists():
            os.utime(path)
            return path
        _write(path, certificate)
        files = sorted(self.rejected.iterdir(), key=lambda file: file.stat().st_mtime_ns)
        for file in files[: -self._max_rejected]:
            file.unlink(missing_ok=True)
        return path

    def was_rejected(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate is among the refused ones."""
        return (self.rejected / file_name(certificate)).exists()

    def move(self, name: str, source: Path, target: Path) -> Path:
        """Move the one file of `source` whose name begins with, or holds, `name`; `LookupError` if there is
        none, or more than one.
        """
        files = [file for file in sorted(source.iterdir()) if name.lower() in file.name.lower()]
        exact = [file for file in files if file.name == name]
        if len(exact or files) != 1:
            raise LookupError(f"{len(files)} certificates in {source} have a name with '{name}'")
        [file] = exact or files
        return file.replace(target / file.name)


def file_name(certificate: x509.Certificate) -> str:
    """Name by which a person knows the certificate again: its common name and its thumbprint."""
    name = re.sub(r"[^A-Za-z0-9.-]+", "_", common_name(certificate)).strip("._")[:60]
    return f"{name or 'certificate'}-{thumbprint(certificate)}.der"


def _write(path: Path, certificate: x509.Certificate) -> Path:
    """Moved into place: whoever reads the folder finds whole files."""
    beside = path.parent.parent / f".{path.name}.new"
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(certificate.public_bytes(Encoding.DER))
    return beside.replace(path)


# -- reading


def _state(folder: Path) -> _State:
    """What tells that a folder changed."""
    entries = []
    for entry in _files(folder):
        try:
            found = entry.stat()
        except OSError:  # just moved away
            continue
        entries.append((entry.name, found.st_mtime_ns, found.st_size))
    return tuple(sorted(entries))


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number == _MAX_FILES:
                    log.warning("folder has too many files: the others are left out", folder=str(folder))
                    return
                yield entry
    except OSError as error:
        log.warning("folder of certificates cannot be read", folder=str(folder), reason=error.strerror)


def certificates_of(data: bytes) -> list[x509.Certificate]:
    """The certificates of a file, DER or PEM."""
    if not data.lstrip().startswith(_PEM):
        return [parse(data)]
    return [parse(found.public_bytes(Encoding.DER)) for found in x509.load_pem_x509_certificates(data)]


def _certificates(folder: Path) -> Iterator[x509.Certificate]:
    for found in _read(folder, certificates_of):
        yield from found


def _crls(folder: Path) -> Iterator[x509.CertificateRevocationList]:
    yield from _read(folder, _crl)


def _crl(data: bytes) -> x509.CertificateRevocationList:
    pem = data.lstrip().startswith(_PEM)
    crl = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
    _ = crl.issuer, crl.last_update_utc, crl.next_update_utc
    return crl


def _read(folder: Path, made_of: Callable[[bytes], Made]) -> Iterator[Made]:
    for entry in sorted(_files(folder), key=lambda entry: entry.name):
        try:
            if entry.stat().st_size > _MAX_FILE:
                raise ValueError("too large")
            yield made_of(Path(entry.path).read_bytes())
        except (OSError, ValueError, TypeError, CertificateError) as error:
            log.warning("file is left out: it cannot be read", file=entry.path, reason=str(error))
