"""E-mail: a batch of messages over one connection to the mail server (SMTP, RFC 5321 and 6409).

A refusal for good (5xx) of a sender, a recipient or a message ends that delivery. One of the connection, the
certificate or the password is the administrator's to mend and is tried again, as is all else.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Final

from config.notifyfile import Mail
from server.notify.delivery import SENT, Delivery, Fate, Result
from server.notify.mailtext import address_of

if TYPE_CHECKING:
    import aiosmtplib

MAIL: Final = "mail"
_ANSWERS: Final = 6  # of the server to a message; each may take the time-out
_PERMANENT: Final = 500
_LONGEST_REASON: Final = 200


class MailChannel:
    """The mail server of the settings."""

    name = MAIL

    def __init__(self, settings: Mail) -> None:
        self._settings = settings
        self._password = settings.password.read() if settings.password else None
        self._sender = address_of(settings.sender)
        self._tls: ssl.SSLContext | None = None

    async def send(self, deliveries: list[Delivery]) -> list[Result]:
        """Try each; what the connection does not live to see is for later."""
        results: list[Result] = []
        try:
            async with asyncio.timeout(self._settings.timeout * _ANSWERS):
                client = await self._connect()
            try:
                for delivery in deliveries:
                    results.append(await self._send(client, delivery))
                    if not client.is_connected:
                        break
            finally:
                await self._leave(client)
        except Exception as error:  # of sockets, TLS, SMTP; its kind changes nothing
            results.append(Result(Fate.LATER, describe(error)))
        missing = len(deliveries) - len(results)
        reason = results[-1].reason or "the mail server has closed the connection"
        return results[: len(deliveries)] + [Result(Fate.LATER, reason)] * missing

    async def _connect(self) -> aiosmtplib.SMTP:
        import aiosmtplib

        settings = self._settings
        if self._tls is None and settings.security != "none":
            # It reads all the certificates of the system.
            self._tls = await asyncio.to_thread(ssl.create_default_context, cafile=settings.ca_file)
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.server_port,
            username=settings.user,
            password=self._password,
            local_hostname=socket.gethostname(),
            timeout=settings.timeout,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=self._tls,
        )
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return client

    async def _send(self, client: aiosmtplib.SMTP, delivery: Delivery) -> Result:
        import aiosmtplib

        try:
            async with asyncio.timeout(self._settings.timeout * _ANSWERS):
                await client.sendmail(self._sender, [delivery.target], delivery.content)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _refused(error.recipients[0])
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error)
        except Exception as error:
            client.close()
            return Result(Fate.LATER, describe(error))
        return SENT

    async def _leave(self, client: aiosmtplib.SMTP) -> None:
        """Say good-bye; whether it is heard is of no matter."""
        try:
            if client.is_connected:
                async with asyncio.timeout(min(self._settings.timeout, 2.0)):
                    await client.quit()
        except Exception:
            pass
        finally:
            client.close()


def _refused(error: aiosmtplib.SMTPResponseException) -> Result:
    fate = Fate.NEVER if error.code >= _PERMANENT else Fate.LATER
    return Result(fate, f"{error.code} {error.message}"[:_LONGEST_REASON])


def describe(error: Exception) -> str:
    """Why something failed, in a line."""
    parts = error.args if isinstance(getattr(error, "code", None), int) else (error,)  # 535, a message
    text = " ".join(" ".join(map(str, parts)).split()) or type(error).__name__
    return "no answer in time" if isinstance(error, TimeoutError) else text[:_LONGEST_REASON]
