"""What can go wrong in the server, as a small tree.

ServerError
├── ServiceError   a whole service call is refused, with the StatusCode that Part 4 names for it
├── StartError     the server cannot start; the text tells the user what to do
└── RequestError   a command to the running server was not carried out; the text says why
"""

from __future__ import annotations


class ServerError(Exception):
    """Base of the server's own errors."""


class ServiceError(ServerError):
    """A service call is answered with a ServiceFault of this StatusCode.

    Where it is one of several operations that is refused, `text` says why, for who asks for diagnostics.
    """

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text or f"0x{code:08X}")
        self.code = code
        self.text = text


class StartError(ServerError):
    """The text is meant for the user as it is."""


class RequestError(ServerError):
    """The text is meant for the user as it is."""
