"""What every answer tells the browser: where scripts come from, what a page may do, how long it is kept.

Vue compiles the templates of NiceGUI's components in the browser, which needs eval; everything else that is
run comes from our own files, or from scripts of the page that carry its nonce (CSP Level 3, 2.3). Styles are
set on elements by every component, so they may be inline. Nothing comes from elsewhere (U12).
"""

from __future__ import annotations

import re
import secrets
from typing import Final

Field = tuple[bytes, bytes]

_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; script-src-attr 'none'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; "
    "manifest-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'; object-src 'none'"
)
# What is no page runs and shows nothing, wherever it is opened.
_NO_PAGE: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_FEATURES: Final = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "hid",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "publickey-credentials-get",
    "serial",
    "usb",
)
_ALL: Final[tuple[Field, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", ", ".join(f"{name}=()" for name in _FEATURES).encode()),
)
# RFC 6797: for a year only over TLS; of this host alone, as others of its domain are not ours.
_STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000")
_HTML: Final = b"text/html"
_SCRIPT: Final = re.compile(rb"<script(?=[\s>])")


def security_fields(secure: bool, nonce: str | None = None) -> list[Field]:
    """The headers of an answer; with a `nonce`, of a page."""
    policy = _NO_PAGE if nonce is None else _POLICY.format(nonce=nonce)
    fields = [(b"content-security-policy", policy.encode()), *_ALL]
    return [*fields, _STRICT_TRANSPORT] if secure else fields


def is_page(fields: list[Field]) -> bool:
    """Whether an answer is a page."""
    return any(name.lower() == b"content-type" and value.startswith(_HTML) for name, value in fields)


def new_nonce() -> str:
    """A nonce for one page."""
    return secrets.token_urlsafe(16)


def with_nonce(page: bytes, nonce: str) -> bytes:
    """The page with its nonce on every script that was written into it.

    What users wrote stands in a page only escaped, so that no tag of theirs gets one.
    """
    return _SCRIPT.sub(b'<script nonce="%s"' % nonce.encode(), page)
