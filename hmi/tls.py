"""HTTPS by the HMI itself: a certificate and its key from files, read again when they have changed.

A renewed certificate is used by the next connection: nothing is restarted.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cryptography import x509

LOOK: Final = 60.0  # s between looks at the files
SOON: Final = dt.timedelta(days=30)

log = logging.getLogger(__name__)


class Tls:
    """The context for all connections, TLS 1.2 at least; `ssl.SSLError` or OSError for files of no use."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = certificate, key
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._changed = self._times()
        self._load()

    def factory(self, _config: Any, _default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        """For uvicorn's `ssl_context_factory`."""
        return self.context

    async def run(self) -> None:
        """Look after the files; returns only when cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            self.look()

    def look(self) -> None:
        """Take new files; those that are of no use are said so, and the old ones stay."""
        try:
            found = self._times()
            if found == self._changed:
                return
            self._changed = found
            self._load()
            log.info("the certificate of the pages was read again")
        except (OSError, ValueError) as error:  # SSLError is an OSError
            log.warning("the certificate of the pages cannot be read again: %s", error)

    def _load(self) -> None:
        certificate, key = self._files
        # A context forgets its key where the new one does not fit, as between the writing of two files.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        self.context.load_cert_chain(certificate, key)
        if note := ends(x509.load_pem_x509_certificate(certificate.read_bytes()), dt.datetime.now(dt.UTC)):
            log.warning("%s: %s", certificate, note)

    def _times(self) -> tuple[int, ...]:
        return tuple(each.stat().st_mtime_ns for each in self._files)


def ends(certificate: x509.Certificate, now: dt.datetime) -> str:
    """What to say of the end of a certificate; nothing while it is far off."""
    end = certificate.not_valid_after_utc
    if end < now:
        return f"expired on {end:%Y-%m-%d}: browsers refuse it"
    return f"expires on {end:%Y-%m-%d}: renew it" if end - now < SOON else ""
