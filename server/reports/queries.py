"""What a report asks of the historian; answers grow with jars and days, never with readings."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from historian.columns import TABLES, Column
from nodeset.fleet import AssetType
from nodeset.tags import Kind

_BAD: Final = 0x8000_0000
_OURS: Final = "(%(site)s = '' OR split_part(path, '/', 1) = %(site)s)"
# A value of a bad status is no value; the numbers of such qualities by column.
_USABLE: Final = "quality <> ALL (ARRAY(SELECT id FROM quality WHERE (codes ->> {name})::bigint >= {bad}))"
_LAST: Final = f"""
SELECT path, found.value / {{scale}}::float8 FROM asset CROSS JOIN LATERAL (
    SELECT {{value}} AS value FROM {{hourly}} WHERE asset_id = asset.id AND ts >= %(from)s AND ts < %(at)s
    AND {{count}} > 0 AND {{usable}} ORDER BY ts DESC LIMIT 1
) AS found WHERE type = {{type}} AND {_OURS}
"""
_MEANS: Final = f"""
SELECT path, sum({{sum}})::float8 / sum({{count}}) / {{scale}}
FROM {{daily}} JOIN asset ON asset.id = asset_id
WHERE ts >= %(low)s AND ts < %(until)s AND {{count}} > 0 AND {{usable}} AND {_OURS} GROUP BY path
"""
# Hours are those of UTC: one that midnight cuts is of the day that it is longer in.
_DAYS: Final = """
SELECT path, ((ts + interval '30 min') AT TIME ZONE %(zone)s)::date, min({min}) / {scale}::float8,
    sum({sum})::float8 / sum({count}) / {scale}, max({max}) / {scale}::float8
FROM {hourly} JOIN asset ON asset.id = asset_id
WHERE ts >= %(first_hour)s AND ts < %(after_hour)s AND {count} > 0 AND {usable} GROUP BY 1, 2 ORDER BY 1, 2
"""
_HOURS: Final = """
SELECT path, count(*), sum(share) FROM (
    SELECT path, sum({sum})::float8 / sum({count}) / {scale} AS share
    FROM {hourly} JOIN asset ON asset.id = asset_id
    WHERE ts >= %(first_hour)s AND ts < %(after_hour)s AND {count} > 0 AND {usable} GROUP BY path, ts
) AS hour GROUP BY path
"""
OUTAGES: Final = f"""
SELECT path, greatest(began, %(low)s), least(coalesce(ended, %(until)s), %(until)s),
    coalesce(ended > %(until)s, true)
FROM outage JOIN asset ON asset.id = asset_id
WHERE began < %(until)s AND (ended IS NULL OR ended > %(low)s) AND {_OURS} ORDER BY began, path
"""
_HELD: Final = (
    "(coalesce(suppressed, 0) <> 0 OR coalesce(shelved, 0) <> 0 OR coalesce(out_of_service, false))"
)
_EVENT_OURS: Final = "(%(site)s = '' OR site = %(site)s)"
# One row an alarm that operators were shown, whatever became of it.
RAISED: Final = f"""
SELECT site, source, condition, active_ts, max(severity) FROM event
WHERE ts >= %(low)s AND ts < %(until)s AND active_ts >= %(low)s AND active_ts < %(until)s AND level <> 0
    AND NOT simulated AND {_EVENT_OURS}
GROUP BY site, source, condition, active_ts HAVING bool_or(NOT {_HELD}) ORDER BY active_ts
"""
# As the last event of a condition told it.
OPEN: Final = f"""
SELECT site, source, condition, coalesce(active_ts, ts), severity, message, acked, level <> 0 FROM (
    SELECT DISTINCT ON (source, condition) * FROM event
    WHERE ts < %(until)s AND condition IS NOT NULL AND NOT simulated AND coalesce(branch, 0) = 0
        AND {_EVENT_OURS}
    ORDER BY source, condition, ts DESC, number DESC
) AS last WHERE enabled AND (level <> 0 OR NOT acked) AND NOT {_HELD} ORDER BY severity DESC, 4
"""
WORKS: Final = f"""
SELECT path, kind, began, done_by, note, coalesce(serial_number, '') FROM maintenance
JOIN asset ON asset.id = asset_id WHERE began >= %(low)s AND began < %(until)s AND {_OURS}
ORDER BY began, maintenance.id
"""
TESTS: Final = f"""
SELECT path, began, ended, temperature, capacity, rated_capacity, done_by
FROM capacity_test JOIN asset ON asset.id = asset_id
WHERE began >= %(low)s AND began < %(until)s AND {_OURS} ORDER BY began, path
"""
# What stands in a place now: the last jar that came before the period's end.
REPLACED: Final = f"""
SELECT DISTINCT ON (asset_id) path, began, coalesce(serial_number, ''), baseline_resistance FROM maintenance
JOIN asset ON asset.id = asset_id WHERE kind = 'Replacement' AND began < %(until)s AND {_OURS}
ORDER BY asset_id, began DESC
"""
SIMULATIONS: Final = (
    "SELECT count(*) FROM simulation WHERE started < %(until)s AND (ended IS NULL OR ended > %(low)s)"
)


def last(kind: AssetType, tag: str) -> sql.Composed:
    """A tag's mean in the last hour that it was known in, by path; the latest state of what is no number."""
    column = _column(kind, tag)
    mean = sql.SQL("{sum}::float8 / {count}").format(**_parts(column))
    numbers = column.tag.kind in (Kind.ANALOG, Kind.COUNT)
    value = mean if numbers else sql.Identifier(f"{column.name}_max")
    return _query(_LAST, kind, column, value=value, type=sql.Literal(kind.value))


def means(kind: AssetType, tag: str) -> sql.Composed:
    """A tag's mean over the days of UTC that begin in the period, by path."""
    return _query(_MEANS, kind, _column(kind, tag))


def days(kind: AssetType, tag: str) -> sql.Composed:
    """A tag's lowest, mean and highest by path and local day."""
    return _query(_DAYS, kind, _column(kind, tag))


def hours(kind: AssetType, tag: str) -> sql.Composed:
    """By path, how many hours have a tag, and the sum of its means in them."""
    return _query(_HOURS, kind, _column(kind, tag))


def _query(text: str, kind: AssetType, column: Column, **more: sql.Composable) -> sql.Composed:
    table = TABLES[kind]
    usable = sql.SQL(_USABLE).format(name=sql.Literal(column.name), bad=sql.Literal(_BAD))
    return sql.SQL(text).format(
        hourly=sql.Identifier(table.hourly),
        daily=sql.Identifier(table.daily),
        usable=usable,
        scale=sql.Literal(column.tag.scale),
        **_parts(column),
        **more,
    )


def _parts(column: Column) -> dict[str, sql.Identifier]:
    return {part: sql.Identifier(f"{column.name}_{part}") for part in ("sum", "count", "min", "max")}


def _column(kind: AssetType, tag: str) -> Column:
    return next(column for column in TABLES[kind].columns if column.tag.name == tag)
