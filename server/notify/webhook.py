"""A webhook: each message is a POST of JSON, over one connection for a batch; redirects are not followed.

2xx is taken; 408, 425, 429 and 5xx are tried again, not before Retry-After; all else is refused for good.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from config.notifyfile import Secret, Webhook
from server.notify.delivery import SENT, Delivery, Fate, Result
from server.notify.mail import describe
from server.notify.signature import key_of, signed_headers

if TYPE_CHECKING:
    import aiohttp

_TRY_AGAIN: Final = frozenset({408, 425, 429})
_ENOUGH: Final = 2048  # bytes of an answer


def channel_name(webhook: str) -> str:
    """As deliveries name the channel of a webhook."""
    return f"webhook {webhook}"


class WebhookChannel:
    """One webhook of the settings."""

    def __init__(self, name: str, settings: Webhook, clock: Callable[[], float]) -> None:
        self.name = channel_name(name)
        self._settings = settings
        self._clock = clock
        self._key = key_of(settings.secret.read()) if settings.secret else None
        self._headers = {name: _text(value) for name, value in settings.headers.items()}
        self._tls: ssl.SSLContext | None = None

    async def send(self, deliveries: list[Delivery]) -> list[Result]:
        """Try each; after one that is for later, the rest is too."""
        import aiohttp

        settings, results = self._settings, list[Result]()
        if self._tls is None:
            # It reads all the certificates of the system.
            self._tls = await asyncio.to_thread(ssl.create_default_context, cafile=settings.ca_file)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=1),
            timeout=aiohttp.ClientTimeout(total=settings.timeout),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            for delivery in deliveries:
                results.append(await self._post(session, delivery))
                if results[-1].fate is Fate.LATER:
                    break
        return results + [results[-1]] * (len(deliveries) - len(results))

    async def _post(self, session: aiohttp.ClientSession, delivery: Delivery) -> Result:
        headers = signed_headers(self._key, delivery.message, int(self._clock()), delivery.content)
        headers["Content-Type"] = "application/json"
        try:
            async with session.post(
                self._settings.url, data=delivery.content, headers=headers, allow_redirects=False
            ) as answer:
                await answer.content.read(_ENOUGH)
                return self._judge(answer)
        except Exception as error:  # of sockets, TLS, HTTP; its kind changes nothing
            return Result(Fate.LATER, describe(error))

    def _judge(self, answer: aiohttp.ClientResponse) -> Result:
        status = answer.status
        if 200 <= status < 300:
            return SENT
        reason = f"HTTP {status}"
        if status in _TRY_AGAIN or status >= 500:
            return Result(Fate.LATER, reason, retry_after(answer.headers.get("Retry-After"), self._clock()))
        return Result(Fate.NEVER, reason)


def retry_after(text: str | None, now: float) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3); 0 where it asks for nothing."""
    if text is None:
        return 0.0
    if text.strip().isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max(moment.timestamp() - now, 0.0)


def _text(value: str | Secret) -> str:
    return value if isinstance(value, str) else value.read()
