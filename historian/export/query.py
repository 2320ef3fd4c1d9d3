"""The SQL that writes a file's lines: the database makes the text, so that no row costs this process more
than its bytes.

Values are divided by their scale as float8, whose shortest text is the decimal that was stored. Where a row
has no column of the file, or the column has no value, the field is empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from psycopg import sql

from historian.columns import Column
from historian.export.headings import Content, Figure, Heading
from historian.export.request import Step
from historian.export.selection import Series
from historian.export.statustext import ALL_GOOD, status_text
from historian.quality import Codes
from nodeset.status import is_bad_code
from nodeset.tags import Kind

# PostgreSQL's own text with T and Z: as quick as any, and nothing of a fraction is lost.
_TIME: Final = "replace(replace(ts::text, ' ', 'T'), '+00', 'Z')"
_RAW: Final = """
COPY (SELECT {fields} FROM {table} WHERE asset_id = {asset} AND ts >= {low} AND ts < {high}
      AND ({stored}) ORDER BY ts) TO STDOUT (FORMAT csv)
"""
_ROLLED: Final = """
COPY (SELECT {fields} FROM {table} WHERE asset_id = {asset} AND ts >= {low} AND ts < {high}
      GROUP BY ts HAVING bool_or({stored}) ORDER BY ts) TO STDOUT (FORMAT csv)
"""
Qualities = Mapping[int, Codes]


def copy_statement(
    series: Series, heads: Iterable[Heading], step: Step, qualities: Qualities, low: str, high: str
) -> sql.Composed:
    """COPY of the lines of one asset, low <= ts < high; `qualities` are those of its type's rows."""
    lines = _Lines(series, qualities)
    if step is Step.RAW:
        text, stored = _RAW, lines.stored("{}", "IS NOT NULL")
        fields = [lines.raw(head) for head in heads]
    else:
        text, stored = _ROLLED, lines.stored("{}_count", "> 0")
        fields = [lines.rolled(head) for head in heads]
    return sql.SQL(text).format(
        fields=sql.SQL(", ").join(fields),
        table=sql.Identifier(table_of(series, step)),
        asset=sql.Literal(series.asset.number),
        low=sql.Literal(low),
        high=sql.Literal(high),
        stored=stored,
    )


def table_of(series: Series, step: Step) -> str:
    """Where the rows of an asset are."""
    table = series.asset.table
    return {Step.RAW: table.readings, Step.HOURLY: table.hourly, Step.DAILY: table.daily}[step]


class _Lines:
    """The fields of one asset's lines as SQL."""

    def __init__(self, series: Series, qualities: Qualities) -> None:
        self._series = series
        self._own = {(column.tag.name, column.tag.unit): column for column in series.columns}
        texts = {number: status_text(codes, series.columns) for number, codes in qualities.items()}
        self._texts = {number: text for number, text in texts.items() if text != ALL_GOOD}
        self._qualities = qualities

    def raw(self, head: Heading) -> sql.Composable:
        """A field of a reading's line."""
        if head.column is None:
            return self._common(head, self._status())
        own = self._column(head)
        return sql.NULL if own is None else _value(own, sql.Identifier(own.name))

    def rolled(self, head: Heading) -> sql.Composable:
        """A field of an hour's or a day's line, over all its rows: one a quality number."""
        if head.content is Content.COUNT:
            return sql.SQL('sum("rows")')
        if head.column is None and head.content is Content.NUMBER:
            good = 'round(100.0 * coalesce(sum("rows") FILTER (WHERE {} = \'Good\'), 0) / sum("rows"), 2)'
            return sql.SQL(good).format(self._status())
        if head.column is None:
            every = sql.SQL(
                "coalesce(string_agg(DISTINCT {0}, '; ') FILTER (WHERE {0} <> 'Good'), 'Good')"
            ).format(self._status())
            return self._common(head, every)
        own = self._column(head)
        assert head.figure is not None
        return sql.NULL if own is None else self._figure(own, head.figure)

    def stored(self, name: str, some: str) -> sql.Composable:
        """Whether a row has anything of the columns: a value, or a status that says why there is none."""
        names = [sql.Identifier(name.format(column.name)) for column in self._series.columns]
        values = [sql.SQL("{} {}").format(each, sql.SQL(some)) for each in names]
        return sql.SQL(" OR ").join([*values, sql.SQL("{} <> 'Good'").format(self._status())])

    def _common(self, head: Heading, status: sql.Composable) -> sql.Composable:
        if head.content is Content.TIME:
            return sql.SQL(_TIME)
        return sql.Literal(self._series.asset.path) if head.text == "Asset" else status

    def _column(self, head: Heading) -> Column | None:
        assert head.column is not None
        return self._own.get((head.column.tag.name, head.column.tag.unit))

    def _status(self) -> sql.Composable:
        """Text of a row's quality; one that was entered this moment is told as it is stored."""
        if not self._texts and not self._qualities:
            return sql.Literal(ALL_GOOD)
        known = {str(number): self._texts.get(number, ALL_GOOD) for number in self._qualities}
        return sql.SQL(
            "CASE quality WHEN 0 THEN 'Good' ELSE coalesce({}::jsonb ->> quality::text,"
            " (SELECT codes::text FROM quality AS entered WHERE entered.id = quality)) END"
        ).format(sql.Literal(json.dumps(known)))

    def _figure(self, column: Column, figure: Figure) -> sql.Composable:
        """Of the values that are not bad."""
        bad = [number for number, codes in self._qualities.items() if is_bad_code(codes.get(column.name, 0))]
        usable = sql.SQL("FILTER (WHERE quality <> ALL ({}::integer[]))").format(sql.Literal(bad))

        def total(function: str, part: str) -> sql.Composed:
            name = sql.Identifier(f"{column.name}_{part}")
            return sql.SQL("{}({}) {}").format(sql.SQL(function), name, usable)

        if figure is not Figure.MEAN:
            return _value(column, total(figure.value, figure.value))
        mean = sql.SQL("({}::float8 / nullif({}, 0) / {})").format(
            total("sum", "sum"), total("sum", "count"), sql.Literal(column.tag.scale)
        )
        return sql.SQL("round({}::numeric, {})").format(mean, sql.Literal(len(str(column.tag.scale)) + 1))


def _value(column: Column, steps: sql.Composable) -> sql.Composable:
    """What a column's whole number stands for."""
    tag = column.tag
    match tag.kind:
        case Kind.STATE:
            return sql.SQL("({}::text[])[{} + 1]").format(sql.Literal(list(tag.states)), steps)
        case Kind.QUARTER:
            return sql.SQL("({0} / 4) || '-Q' || ({0} % 4 + 1)").format(steps)
        case Kind.JAR:
            return sql.SQL("(SELECT path FROM asset AS jar WHERE jar.id = {})").format(steps)
    return steps if tag.scale == 1 else sql.SQL("{} / {}::float8").format(steps, sql.Literal(tag.scale))
