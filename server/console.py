"""What the program tells the user on the terminal, in plain words."""

from __future__ import annotations

import time

from rich.console import Console

out = Console(highlight=False, soft_wrap=True, markup=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


class Steps:
    """Says what is being done, and how long the step before took when it was over a second."""

    def __init__(self) -> None:
        self._began: float | None = None

    def __call__(self, text: str) -> None:
        self.done()
        self._began = time.monotonic()
        out.print(text)

    def done(self) -> None:
        """The last step is over."""
        if self._began is not None and time.monotonic() - self._began > 1:
            out.print(f"  … took {time.monotonic() - self._began:.1f} s")
        self._began = None


def tell_password(password: str | None) -> None:
    """The administrator's first password, which is shown this once."""
    if password is not None:
        out.print(f"One-time password of user admin: {password}", style="bold")


def tell_ready(*urls: str) -> None:
    """The line that scripts wait for (I6)."""
    out.print("ready: " + " ".join(urls))


def tell_error(heading: str, text: str) -> None:
    """What went wrong, and what to do."""
    err.print(heading, style="bold red")
    err.print(text)
