"""Parquet: typed columns, their units in the metadata, row groups of bounded size."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from historian.export.headings import Content, Heading
from historian.export.lines import Lines, Progress
from historian.export.request import Request

GROUP: Final = 250_000  # rows
_TYPES: Final = {
    Content.TIME: pa.timestamp("us", "UTC"),
    Content.TEXT: pa.dictionary(pa.int32(), pa.string()),
    Content.NUMBER: pa.float64(),
    Content.COUNT: pa.int64(),
}


def write_parquet(lines: Lines, request: Request, path: Path, progress: Progress) -> None:
    """Write the file at `path`."""
    schema = _schema(lines.headings, request)
    reading = pa.csv.ReadOptions(column_names=schema.names, use_threads=False)
    converting = pa.csv.ConvertOptions(
        column_types={field.name: field.type for field in schema},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        waiting: list[Any] = []
        for piece in lines.pieces(progress):
            if piece:
                table = pa.csv.read_csv(pa.BufferReader(piece), reading, convert_options=converting)
                waiting.append(table.cast(schema))
            if sum(len(table) for table in waiting) >= GROUP:
                writer.write_table(pa.concat_tables(waiting), GROUP)
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting), GROUP)


def _schema(headings: tuple[Heading, ...], request: Request) -> Any:
    asked = {"voltkeep.request": request.to_json()}
    return pa.schema([_field(heading) for heading in headings], metadata=asked)


def _field(heading: Heading) -> Any:
    """Named as in CSV, so that one script reads both."""
    tag = None if heading.column is None else heading.column.tag
    about = {} if tag is None else {"tag": tag.name, "description": tag.description}
    if tag is not None and tag.unit is not None:
        about |= {"unit": tag.unit.symbol, "unece_code": tag.unit.code}
    return pa.field(heading.text, _TYPES[heading.content], metadata=about)
