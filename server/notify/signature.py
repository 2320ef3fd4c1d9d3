"""How a receiver knows that a webhook's message is ours and fresh: signed as the Standard Webhooks say.

`webhook-signature: v1,<base64 of HMAC-SHA256 over "<id>.<timestamp>.<body>">`
(https://github.com/standard-webhooks/standard-webhooks, spec version 1.0.0).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

_PREFIX: Final = "whsec_"


def key_of(secret: str) -> bytes:
    """The key that a secret stands for: base64 after `whsec_`, else the text itself."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def signed_headers(key: bytes | None, message: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a message that is sent at `timestamp` [s since 1970]; without a key, unsigned."""
    headers = {"webhook-id": message, "webhook-timestamp": str(timestamp)}
    if key is not None:
        digest = hmac.new(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers
