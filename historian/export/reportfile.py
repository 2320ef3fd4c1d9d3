"""The monthly report as PDF: a page of the fleet, then a page a site, drawn with ReportLab.

The same facts give the same bytes: nothing in it is of the moment in which it is made. Names of sites are
ASCII by the fleet file's rules, so the fonts that every reader of PDF has are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.charts.lineplots import LinePlot
from reportlab.graphics.shapes import Drawing, String
from reportlab.graphics.widgets.markers import makeMarker
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from historian.export.lines import Connection, Progress
from historian.export.reportfacts import SEVERITIES, Day, Facts, Month, read_month
from nodeset.tags import RUL_BINS, SOH_BINS

INK: Final = colors.HexColor("#1b2227")
SOFT: Final = colors.HexColor("#4d5860")
LINE: Final = colors.HexColor("#bfc5ca")
PALE: Final = colors.HexColor("#e9ebed")
BAR: Final = colors.HexColor("#8ba295")
ACCENT: Final = colors.HexColor("#2b5878")
MARGIN: Final = 18 * mm
WIDTH: Final = A4[0] - 2 * MARGIN
_PADDING: Final = 6  # that ReportLab's frames have
NONE: Final = "-"
_FONT: Final = "Helvetica"
_TITLE: Final = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=18, leading=22, textColor=INK)
_HEAD: Final = ParagraphStyle(
    "head", fontName="Helvetica-Bold", fontSize=10.5, leading=14, textColor=INK, spaceBefore=9, spaceAfter=3
)
_TEXT: Final = ParagraphStyle("text", fontName=_FONT, fontSize=9, leading=12, textColor=SOFT)
_SITES: Final = (
    "Site",
    "Jars",
    "Data\n[%]",
    "Outages",
    "without\nmains",
    "Alarms",
    "Health\n[%]",
    "Health,\nlowest [%]",
    "Life,\nmedian [d]",
    "Room [°C]\nmin / mean / max",
)


def write_report(connection: Connection, time: int, path: Path, progress: Progress) -> None:
    """Write the report of the month of `time` [µs since 1970] at `path`."""
    month = read_month(connection, time)
    progress(0.5)
    document = SimpleDocTemplate(
        str(path),
        pagesize=A4,
        leftMargin=MARGIN - _PADDING,
        rightMargin=MARGIN - _PADDING,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=f"Voltkeep monthly report {month.name}",
        author="Voltkeep",
        invariant=1,
    )
    story = _fleet(month)
    for site in month.sites:
        story += [PageBreak(), *_site(month, site)]
    footer = _footer(month)
    document.build(story, onFirstPage=footer, onLaterPages=footer)
    progress(1.0)


def _fleet(month: Month) -> list[Any]:
    fleet = month.fleet
    story = [Paragraph(f"Monthly report {month.name}", _TITLE), _period(month, fleet)]
    story += [Paragraph("Sites", _HEAD), _sites(month)]
    story += [*_alarms(fleet), *_distributions(fleet), *_replacements(fleet)]
    return [*story, *_temperatures("Room temperature, all sites", fleet.room)]


def _site(month: Month, site: Facts) -> list[Any]:
    story = [Paragraph(f"{site.name}, {month.name}", _TITLE), _period(month, site)]
    story += [*_alarms(site), *_distributions(site), *_replacements(site)]
    story += _temperatures("Room temperature", site.room)
    return [*story, *_temperatures("Temperature of the jars", site.jar_temperature)]


def _period(month: Month, facts: Facts) -> Paragraph:
    last = month.end.replace(hour=0)
    of_days = (month.end - month.start).days
    fresh = _mean(facts.fresh, "{:.1f} %")
    return Paragraph(
        f"{month.start:%Y-%m-%d} to before {last:%Y-%m-%d} (UTC), {month.days} of {of_days} days with data. "
        f"{facts.jars:,} jars; fresh data of {fresh} of them on average. "
        f"Outages of the mains: {facts.outages}, {_duration(facts.outage_seconds)} in all. "
        f"Alarms raised: {sum(facts.alarms.values()):,}.",
        _TEXT,
    )


def _sites(month: Month) -> Table:
    rows: list[Sequence[str]] = [_SITES]
    for site in month.sites:
        soh, room = site.soh, site.room
        rows.append(
            (
                site.name,
                f"{site.jars:,}",
                _mean(site.fresh, "{:.1f}"),
                str(site.outages),
                _duration(site.outage_seconds),
                f"{sum(site.alarms.values()):,}",
                _mean(soh, "{:.1f}"),
                f"{min(soh):.1f}" if soh else NONE,
                f"{np.median(site.rul):,.0f}" if site.rul else NONE,
                _range(room),
            )
        )
    widths = [27, 13, 14, 15, 17, 14, 15, 18, 18, 23]
    return _table(rows, [WIDTH * width / sum(widths) for width in widths])


def _alarms(facts: Facts) -> list[Any]:
    if not facts.alarms:
        return [Paragraph("Alarms", _HEAD), Paragraph("No alarm was raised.", _TEXT)]
    names = [name for name, _ in SEVERITIES]
    rows: list[Sequence[str]] = [("Class", *(f"{name} severity" for name in names), "All")]
    for kind in sorted({kind for kind, _ in facts.alarms}):
        counts = [facts.alarms[kind, name] for name in names]
        rows.append((kind.capitalize(), *(f"{count:,}" for count in counts), f"{sum(counts):,}"))
    return [Paragraph("Alarms raised, by class and severity", _HEAD), _table(rows, [WIDTH / 5] * 5)]


def _distributions(facts: Facts) -> list[Any]:
    if not facts.soh:
        return []
    soh = _bars("Jars by state of health [%]", [f"{a}-{min(b, 100)}" for a, b in SOH_BINS], facts.soh_bins)
    rul = _bars("Jars by remaining useful life", [_life(a, b) for a, b in RUL_BINS], facts.rul_bins)
    return [Spacer(1, 8), Table([[soh, rul]], colWidths=[WIDTH / 2] * 2, style=_BARE)]


def _life(low: int, high: int) -> str:
    """`90-180 d`, `1-2 y`, `over 5 y`."""
    if low and low % 365 == 0:
        last = high == RUL_BINS[-1][1]
        return f"over {low // 365} y" if last else f"{low // 365}-{high // 365} y"
    return f"{low}-{high} d"


def _replacements(facts: Facts) -> list[Any]:
    """The coming quarters; most jars are far away, and the last bar holds what is beyond."""
    if not facts.quarters:
        return []
    quarters = sorted(facts.quarters)
    shown, beyond = quarters[:11], quarters[11:]
    names, counts = list(shown), [facts.quarters[name] for name in shown]
    if beyond:
        names.append("later")
        counts.append(sum(facts.quarters[name] for name in beyond))
    return [Spacer(1, 6), _bars("Jars to replace, by quarter", names, counts, WIDTH)]


def _temperatures(title: str, days: list[Day]) -> list[Any]:
    if not days:
        return [Paragraph(title, _HEAD), Paragraph("No data.", _TEXT)]
    said = f"{title} [°C]: {_range(days)} (lowest, mean, highest)"
    return [Paragraph(said, _HEAD), _lines(days)]


# -- drawings


def _bars(title: str, names: list[str], counts: list[int], width: float = WIDTH / 2 - 8) -> Drawing:
    drawing, chart = Drawing(width, 112), VerticalBarChart()
    chart.x, chart.y, chart.width, chart.height = 26, 22, width - 30, 66
    chart.data = [counts]
    chart.categoryAxis.categoryNames = names
    chart.bars[0].fillColor, chart.bars[0].strokeColor = BAR, None
    chart.barLabelFormat, chart.barLabels.nudge = "%d", 6
    chart.barLabels.fontName, chart.barLabels.fontSize, chart.barLabels.fillColor = _FONT, 6.5, INK
    chart.valueAxis.valueMin, chart.valueAxis.valueMax = 0, max(1.0, 1.15 * max(counts))
    chart.valueAxis.labelTextFormat = "%d"
    _calm(chart.categoryAxis, chart.valueAxis)
    drawing.add(chart)
    drawing.add(String(0, 101, title, fontName="Helvetica-Bold", fontSize=8.5, fillColor=INK))
    return drawing


def _lines(days: list[Day]) -> Drawing:
    drawing, chart = Drawing(WIDTH, 96), LinePlot()
    chart.x, chart.y, chart.width, chart.height = 26, 16, WIDTH - 34, 74
    at = [day.date.day for day in days]
    chart.data = [
        [(x, getattr(day, name)) for x, day in zip(at, days, strict=True)] for name in ("low", "mean", "high")
    ]
    for i, (colour, width) in enumerate(((SOFT, 0.7), (ACCENT, 1.4), (SOFT, 0.7))):
        chart.lines[i].strokeColor, chart.lines[i].strokeWidth = colour, width
        if len(days) == 1:
            chart.lines[i].symbol = makeMarker("FilledCircle", size=3, fillColor=colour, strokeColor=None)
    chart.xValueAxis.valueMin, chart.xValueAxis.valueMax, chart.xValueAxis.valueStep = 1, 31, 5
    chart.xValueAxis.labelTextFormat = "%d"
    low, high = min(day.low for day in days), max(day.high for day in days)
    chart.yValueAxis.valueMin, chart.yValueAxis.valueMax = np.floor(low - 0.5), np.ceil(high + 0.5)
    chart.yValueAxis.labelTextFormat = "%.0f"
    _calm(chart.xValueAxis, chart.yValueAxis)
    drawing.add(chart)
    return drawing


def _calm(horizontal: Any, vertical: Any) -> None:
    for axis in (horizontal, vertical):
        axis.strokeColor, axis.strokeWidth = LINE, 0.5
        axis.labels.fontName, axis.labels.fontSize, axis.labels.fillColor = _FONT, 6.5, SOFT
    vertical.visibleGrid, vertical.gridStrokeColor, vertical.gridStrokeWidth = True, PALE, 0.5


# -- tables and texts

_BARE: Final = TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)])
_STYLE: Final = TableStyle(
    [
        ("FONT", (0, 0), (-1, -1), _FONT, 7.5),
        ("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 7),
        ("TEXTCOLOR", (0, 0), (-1, -1), INK),
        ("TEXTCOLOR", (0, 0), (-1, 0), SOFT),
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
        ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.7, SOFT),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 2.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
    ]
)


def _table(rows: list[Sequence[str]], widths: list[float]) -> Table:
    return Table([list(row) for row in rows], colWidths=widths, style=_STYLE, repeatRows=1)


def _footer(month: Month) -> Any:
    def draw(canvas: Any, document: Any) -> None:
        canvas.setFont(_FONT, 7.5)
        canvas.setFillColor(SOFT)
        canvas.drawString(MARGIN, 10 * mm, f"Voltkeep, monthly report {month.name}")
        canvas.drawRightString(A4[0] - MARGIN, 10 * mm, f"Page {document.page}")

    return draw


def _mean(values: list[float], form: str) -> str:
    return form.format(float(np.mean(values))) if values else NONE


def _range(days: list[Day]) -> str:
    if not days:
        return NONE
    mean = float(np.mean([day.mean for day in days]))
    return f"{min(day.low for day in days):.1f} / {mean:.1f} / {max(day.high for day in days):.1f}"


def _duration(seconds: float) -> str:
    if not seconds:
        return NONE
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
