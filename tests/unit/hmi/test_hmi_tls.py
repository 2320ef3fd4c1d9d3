"""HTTPS by the HMI itself: renewed certificates are used without a restart, useless ones never."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from pki import key

from hmi import tls as module
from hmi.tls import Tls, ends

DAY: Final = dt.timedelta(days=1)
NOW: Final = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def certificate(serial: int, until: dt.datetime, number: int = 0) -> bytes:
    """One that signs itself, for key `number`, in PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hmi")])
    own = key(number)
    builder = x509.CertificateBuilder(name, name, own.public_key(), serial, until - 400 * DAY, until)
    return builder.sign(own, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Files:
    """Certificate and key on disk; each write is later than the one before, however quick."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = folder / "hmi.crt", folder / "hmi.key"
        self._time = 1_000_000_000

    def certify(self, serial: int, days: float = 365, number: int = 0) -> None:
        self._write(self.certificate, certificate(serial, dt.datetime.now(dt.UTC) + days * DAY, number))

    def give_key(self, number: int = 0) -> None:
        form = serialization.PrivateFormat.PKCS8
        secret = serialization.NoEncryption()
        self._write(self.key, key(number).private_bytes(serialization.Encoding.PEM, form, secret))

    def spoil(self) -> None:
        self._write(self.certificate, b"no certificate")

    def _write(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)
        self._time += 1
        os.utime(path, (self._time, self._time))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path)
    made.certify(serial=1)
    made.give_key()
    return made


@pytest.fixture
def tls(files: Files) -> Tls:
    return Tls(files.certificate, files.key)


@asynccontextmanager
async def served(tls: Tls) -> AsyncIterator[int]:
    """The port of a server that only says hello."""
    server = await asyncio.start_server(lambda _r, writer: writer.close(), "127.0.0.1", 0, ssl=tls.context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def shown(port: int) -> int:
    """The serial number of the certificate that a new connection is shown."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=anybody)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(der).serial_number


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (NOW + 31 * DAY, ""),
        (NOW + 29 * DAY, "expires on 2026-12-21: renew it"),
        (NOW - DAY, "expired on 2026-11-21: browsers refuse it"),
    ],
)
def test_the_end_of_a_certificate_is_said_in_time(until: dt.datetime, words: str) -> None:
    assert ends(x509.load_pem_x509_certificate(certificate(1, until)), NOW) == words


def test_a_certificate_that_ends_soon_is_said_at_the_start(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    Tls(files.certificate, files.key)
    assert not caplog.messages
    files.certify(serial=2, days=3)
    Tls(files.certificate, files.key)
    (said,) = caplog.messages
    assert said.startswith(f"{files.certificate}: expires on ")


async def test_the_next_connection_is_shown_a_renewed_certificate(files: Files, tls: Tls) -> None:
    async with served(tls) as port:
        assert await shown(port) == 1
        files.certify(serial=2)
        assert await shown(port) == 1
        tls.look()
        assert await shown(port) == 2


async def test_files_are_looked_at_by_themselves(
    files: Files, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK", 0.01)
    looking = asyncio.create_task(tls.run())
    try:
        async with served(tls) as port, asyncio.timeout(10):
            files.certify(serial=2)
            while await shown(port) != 2:
                pass
    finally:
        looking.cancel()


async def test_a_file_of_no_use_is_said_once_and_the_old_one_stays(
    files: Files, tls: Tls, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tls) as port:
        files.spoil()
        tls.look()
        tls.look()
        assert await shown(port) == 1
        (said,) = caplog.messages
        assert "cannot be read again" in said
        files.certify(serial=3)
        with caplog.at_level(logging.INFO):
            tls.look()
        assert await shown(port) == 3


async def test_between_a_new_certificate_and_its_key_the_old_ones_serve(files: Files, tls: Tls) -> None:
    async with served(tls) as port:
        files.certify(serial=2, number=1)
        tls.look()
        assert await shown(port) == 1
        files.give_key(number=1)
        tls.look()
        assert await shown(port) == 2


def test_files_that_do_not_fit_stop_the_start(files: Files) -> None:
    files.give_key(number=1)
    with pytest.raises(ssl.SSLError):
        Tls(files.certificate, files.key)
    files.key.unlink()
    with pytest.raises(FileNotFoundError):
        Tls(files.certificate, files.key)
