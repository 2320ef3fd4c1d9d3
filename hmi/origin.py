"""What a request tells about where it comes from and whether a person made it: pure questions of its headers.

A page of another site can make a browser send requests with our cookie, but not with our Origin: what may
change something needs it, or the browser's own word for it (Sec-Fetch-Site, W3C Fetch Metadata).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlparse

COOKIE: Final = "voltkeep_session"
# Browsers take a cookie of such a name from an encrypted page of this very host alone (RFC 6265bis, 4.1.3.2).
SECURE_COOKIE: Final = f"__Host-{COOKIE}"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
SOCKETS: Final = "/_nicegui_ws/"
_PORTS: Final = {"http": 80, "https": 443}


def is_secure(scheme: str) -> bool:
    """Whether a request came over TLS, to us or to a proxy that we trust."""
    return scheme in ("https", "wss")


def right_origin(headers: Mapping[str, str], scheme: str, must_tell: bool) -> bool:
    """Whether a request comes from our own pages; `must_tell`: one that does not say it does not."""
    origin = headers.get("origin")
    if origin is None:
        return not must_tell or headers.get("sec-fetch-site") == "same-origin"
    parts = urlparse(origin)
    if is_secure(scheme) and parts.scheme != "https":
        return False
    host = headers.get("host", "")
    return bool(host) and _netloc(parts.netloc, parts.scheme) == _netloc(host, parts.scheme)


def _netloc(host: str, scheme: str) -> str:
    """A host without the port that goes without saying."""
    return host.lower().removesuffix(f":{_PORTS.get(scheme, 0)}")


def right_content(path: str, content_type: str) -> bool:
    """Whether a request that may change something has the form that our pages send: no other site's form."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == (JSON if path.startswith("/api/") else FORM)


def by_person(method: str, path: str, headers: Mapping[str, str]) -> bool:
    """Whether a person did it: opened a page, sent something. What scripts read by themselves is not."""
    if path.startswith(SOCKETS):
        return False
    if method not in SAFE_METHODS:
        return True
    mode = headers.get("sec-fetch-mode")
    if mode is None:
        return "text/html" in headers.get("accept", "")
    return mode == "navigate" and headers.get("sec-fetch-user") == "?1"


def session_token(cookies: str, secure: bool) -> str | None:
    """The session token among the cookies; cookies of others on this host do not matter, however odd."""
    wanted = SECURE_COOKIE if secure else COOKIE
    for cookie in cookies.split(";"):
        name, _, value = cookie.strip().partition("=")
        if name == wanted:
            return value
    return None


def local_path(path: str) -> str:
    """Where to go after log-in: a path of ours, never another site."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if safe and path.isprintable() else "/"
