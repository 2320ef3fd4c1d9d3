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
    """A service call is answered with a ServiceFault of this StatusCode."""

    def __init__(self, code: int) -> None:
        super().__init__(f"0x{code:08X}")
        self.code = code


class StartError(ServerError):
    """The text is meant for the user as it is."""


class RequestError(ServerError):
    """The text is meant for the user as it is."""
