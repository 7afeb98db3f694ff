"""Reads a lake as its users do, with DuckDB and with pyarrow, and compares it
with the events that went in.

    lake.py DATA EVENTS

DATA is the lake's `data` folder, here or at `s3://bucket/…` (endpoint and key from the usual AWS_ variables); EVENTS has a file `<source>.ndjson` for each
source, one raw event a line. Prints {"rows": {source: n}, "problems": [...]}:
no problem means that the lake holds each distinct line exactly once, byte for
byte, in the partition of its day, under the columns that the Glue table has.
"""

import collections
import glob
import json
import os
import sys

import duckdb
import pyarrow.fs
import pyarrow.parquet
from fsspec.implementations.arrow import ArrowFSWrapper

NUMBERS = {"latitude", "longitude"}
COLUMNS = """event_source identity identity_kind identity_id token action origin status ip city country
    region latitude longitude target_resource target_kind target_location target_id user_agent event_type
    event_time uid event_data aws_account_id aws_service github_organization github_repo okta_org
    teleport_cluster""".split()


class S3(ArrowFSWrapper):
    """pyarrow's S3 in the form that DuckDB's own Parquet reader takes."""

    protocol = "s3"
    root_marker = ""


def open_lake(data):
    """A connection, the files as DuckDB names them, and where pyarrow finds them."""
    lake = duckdb.connect()
    lake.sql("set timezone = 'UTC'")
    if not data.startswith("s3://"):
        return lake, sorted(glob.glob(f"{data}/*/*/*.parquet")), pyarrow.fs.LocalFileSystem()
    scheme, host = os.environ["AWS_ENDPOINT_URL"].split("://")
    s3 = pyarrow.fs.S3FileSystem(endpoint_override=host, scheme=scheme, region=os.environ["AWS_REGION"])
    lake.register_filesystem(S3(s3))
    everything = pyarrow.fs.FileSelector(data.removeprefix("s3://"), allow_not_found=True, recursive=True)
    paths = sorted(file.path for file in s3.get_file_info(everything))
    return lake, [f"s3://{path}" for path in paths if path.endswith(".parquet")], s3


def expected_types(string, number, time):
    kind = {name: number for name in NUMBERS} | {"event_time": time}
    return [(name, kind.get(name, string)) for name in COLUMNS]


def compare_types(reader, found, expected):
    if found != expected:
        odd = sorted(set(found) ^ set(expected)) or "the order of the columns"
        yield f"{reader} sees other columns or types: {odd}"


def check_arrow(files, filesystem):
    expected = expected_types("string", "double", "timestamp[ms, tz=UTC]")
    for file in files:
        schema = pyarrow.parquet.read_schema(file.removeprefix("s3://"), filesystem=filesystem)
        found = [(field.name, str(field.type)) for field in schema]
        yield from compare_types(f"pyarrow, {file},", found, expected)


def check_duckdb(lake):
    described = lake.sql("describe select * exclude (filename) from lake").fetchall()
    found = [(name, kind) for name, kind, *_ in described]
    yield from compare_types("DuckDB", found, expected_types("VARCHAR", "DOUBLE", "TIMESTAMP WITH TIME ZONE"))
    astray = lake.sql(
        """select filename, count(*) from lake
           where epoch_ms(event_time)
               // 86400000 is distinct from epoch_ms(cast(split_part(filename, '/', -2) as timestamp)) // 86400000
           group by all"""
    ).fetchall()
    yield from (f"{rows} rows of {file} belong to another day" for file, rows in astray)


def check_events(lake, folder, rows):
    """Each distinct line of EVENTS is one row, and nothing else is."""
    for name in sorted(os.listdir(folder)):
        source = name.removesuffix(".ndjson")
        with open(os.path.join(folder, name), "rb") as file:
            sent = {line.strip() for line in file if line.strip()}
        found = collections.Counter()
        query = lake.execute("select encode(event_data) from lake where event_source = ?", [source])
        while batch := query.fetchmany(10_000):
            found.update(raw for (raw,) in batch)
        rows[source] = found.total()
        for what, events in [
            ("missing", [raw for raw in sent if raw not in found]),
            ("never sent", [raw for raw in found if raw not in sent]),
            ("stored more than once", [raw for raw in sent if found[raw] > 1]),
        ]:
            if events:
                yield f"{source}: {len(events)} events {what}, such as {min(events)[:200]!r}"


def main(data, events):
    lake, files, filesystem = open_lake(data)
    if not files:
        return {"rows": {}, "problems": [f"no Parquet file under {data}"]}
    lake.read_parquet(files, filename=True, hive_partitioning=False).create_view("lake")
    rows = {}
    problems = [*check_arrow(files, filesystem), *check_duckdb(lake), *check_events(lake, events, rows)]
    stored = lake.sql("select count(*) from lake").fetchone()[0]
    if stored != sum(rows.values()):
        problems.append(f"{stored} rows in all, {sum(rows.values())} of known sources")
    return {"rows": rows, "problems": problems}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
