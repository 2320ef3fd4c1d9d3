"""How far a long piece of work is: a bar with rate and time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

LINE_EVERY: Final = 30.0  # s between plain lines


class Bar:
    """Shows how much of `total` is done; used as a context. `unit` is what is counted, or %."""

    def __init__(self, console: Console, title: str, total: float, unit: str) -> None:
        self._console, self._title, self._total, self._unit = console, title, total, unit
        self._began = self._told = time.monotonic()
        self._done = 0.0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=total, rate="")

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
        if kind is None and not self._console.is_terminal:
            self._tell()

    def __call__(self, done: float) -> None:
        """So much is done by now."""
        self._done = done
        self._bar.update(self._task, completed=done, rate=self._rate)
        if not self._console.is_terminal and time.monotonic() - self._told > LINE_EVERY:
            self._tell()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    @property
    def rate(self) -> float:
        """Units a second since the beginning."""
        return self._done / max(self.seconds, 1e-3)

    def _tell(self) -> None:
        self._told = time.monotonic()
        left = (self._total - self._done) / self.rate if self._done else 0.0
        rate = f", {self._rate}" if self._rate else ""
        share = 100 * self._done / self._total
        self._console.print(f"{self._title}: {share:.0f} %{rate}, {duration(left)} left")

    @property
    def _rate(self) -> str:
        """In words; percents a second say nothing to anybody."""
        return "" if self._unit == "%" else f"{self.rate:,.0f} {self._unit}/s"


def duration(seconds: float) -> str:
    """`48 s`, `12 min`, `2.5 h`, `90 d`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:,.0f} d"
