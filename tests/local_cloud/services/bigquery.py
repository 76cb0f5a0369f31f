"""BigQuery, as far as it holds the billing export: queries of its tables, which DuckDB answers.

sqlglot turns Google's SQL into DuckDB's; what one of them does not know is refused. The tables are there in every
dataset: gcp_billing_export_v1_ACCOUNT and gcp_billing_export_resource_v1_ACCOUNT, which has `resource`.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from tests.local_cloud.call import Call
from tests.local_cloud.cloud_run.meter import Meter
from tests.local_cloud.errors import GoogleError, invalid, not_found
from tests.local_cloud.store import Json

from .billing_export import COLUMNS, rows

if TYPE_CHECKING:
    import duckdb
    from sqlglot import exp

_TYPES = {"BIGINT": "INTEGER", "INTEGER": "INTEGER", "HUGEINT": "INTEGER", "DOUBLE": "FLOAT", "VARCHAR": "STRING"}
_TYPES |= {"BOOLEAN": "BOOLEAN", "DATE": "DATE", "TIMESTAMP": "DATETIME", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _query(call: Call) -> Json:
    body = call.body
    if body.get("useLegacySql", True):
        raise invalid("The local cloud reads GoogleSQL: set useLegacySql to false.")
    if body.get("parameterMode", "NAMED") != "NAMED":
        raise GoogleError("UNIMPLEMENTED", "The local cloud takes a query's parameters by name alone.")
    try:
        parameters = {one["name"]: _parameter(one) for one in body.get("queryParameters", [])}
    except (KeyError, ValueError) as error:
        raise invalid(f"A query parameter is not as its type needs it: {error}") from error
    fields, values = _run(call, body.get("query", ""), parameters)
    job = f"job_{uuid.uuid4().hex}"
    answer: Json = {
        "schema": {"fields": fields},
        "jobReference": {"projectId": call.cloud.project.id, "jobId": job, "location": body.get("location", "US")},
        "totalRows": str(len(values)),
        "rows": [{"f": [{"v": one} for one in row]} for row in values],
        "jobComplete": True,
        "cacheHit": False,
    }
    call.store.put(call.full(f"projects/{call.cloud.project.id}/jobs/{job}"), answer)
    for name in ("parameterMode", "timeoutMs", "useQueryCache"):
        body.get(name)  # whatever it is: parameters have names, a query is done when it is answered, nothing is cached
    answer |= _page(answer["rows"], 0, body.get("maxResults"))
    return {"kind": "bigquery#queryResponse", "totalBytesProcessed": "0", **answer}


def _results(call: Call) -> Json:
    found = call.store.get(call.full(f"projects/{call.cloud.project.id}/jobs/{call.path['jobId']}"))
    if found is None:
        raise not_found(f"Job {call.cloud.project.id}:{call.path['jobId']}")
    asked = call.query
    for name in ("location", "timeoutMs"):
        asked.get(name)
    start = asked.get("pageToken") or asked.get("startIndex") or "0"
    if not re.fullmatch(r"\d{1,18}", start):
        raise invalid(f"Invalid page token or start index: {start}")
    page = _page(found.body["rows"], int(start), asked.get("maxResults"))
    return {"kind": "bigquery#getQueryResultsResponse", **found.body, **page}


def _page(all_rows: list[Json], start: int, most: Any) -> Json:
    """Rows from a place on, and where the next page begins."""
    end = start + int(most) if most else len(all_rows)
    return {"rows": all_rows[start:end]} | ({"pageToken": str(end)} if end < len(all_rows) else {})


def _parameter(given: Json) -> Any:
    kind, value = given["parameterType"]["type"], given["parameterValue"].get("value")
    if value is None or kind == "STRING":
        return value
    if kind in ("INT64", "INTEGER"):
        return int(value)
    if kind in ("FLOAT64", "FLOAT", "NUMERIC"):
        return float(value)
    if kind == "TIMESTAMP":
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    if kind == "DATE":
        return date.fromisoformat(value)
    raise GoogleError("UNIMPLEMENTED", f"The local cloud has no query parameters of type {kind}.")


def _run(call: Call, query: str, parameters: Json) -> tuple[list[Json], list[list[str | None]]]:
    # Both take long to import, and few who open a local cloud ever query.
    import duckdb
    import sqlglot
    from sqlglot import exp

    try:
        statement = sqlglot.parse_one(query, read="bigquery")
    except sqlglot.errors.ParseError as error:
        raise invalid(f"Syntax error: {error}") from error
    if not isinstance(statement, exp.Query):
        raise GoogleError("UNIMPLEMENTED", "The local cloud only answers queries that read.")
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        for name in {_named(call, table) for table in statement.find_all(exp.Table)} - {""}:
            _make(call, database, name)
        try:
            done = database.execute(statement.sql("duckdb"), parameters or None)
        except duckdb.Error as error:
            raise invalid(f"The local cloud could not run it: {error}") from error
        described, values = done.description or [], done.fetchall()
    fields = [{"name": name, "type": _type(str(kind)), "mode": "NULLABLE"} for name, kind, *_ in described]
    return fields, [[_shown(one) for one in row] for row in values]


def _type(kind: str) -> str:
    if kind.startswith("DECIMAL"):
        return "NUMERIC"
    if kind not in _TYPES:
        raise GoogleError("UNIMPLEMENTED", f"The local cloud gives single values, and a column is a {kind}.")
    return _TYPES[kind]


def _named(call: Call, table: exp.Table) -> str:
    """Which table of the export is meant; empty for what the query itself has defined.

    Raises:
        GoogleError: 404.
    """
    if not table.db:
        return ""
    account = call.cloud.project.billing_account.replace("-", "_")
    known = (f"gcp_billing_export_v1_{account}", f"gcp_billing_export_resource_v1_{account}")
    if table.name not in known or table.catalog not in ("", call.cloud.project.id):
        name = ".".join(part for part in (table.catalog, table.db, table.name) if part)
        raise not_found(f"Table {name} in location {call.body.get('location', 'US')}")
    table.set("db", None)
    table.set("catalog", None)
    return table.name


def _make(call: Call, database: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make a table of the export."""
    names = [name for name in COLUMNS if name != "resource" or "_resource_" in table]
    columns = ", ".join(f'"{name}" {COLUMNS[name]}' for name in names)
    database.execute(f'CREATE TABLE "{table}" ({columns})')
    exported = [[row[name] for name in names] for row in rows(call.cloud.meter or Meter(), call.cloud.project)]
    if exported:
        filling = f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(names))})'  # noqa: S608  one of two names
        database.executemany(filling, exported)


def _shown(value: Any) -> str | None:
    """A value as BigQuery's JSON has it: a text, whatever its type; times in seconds since 1970."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime) and value.tzinfo:
        return repr((value - _EPOCH).total_seconds())
    return value.isoformat() if isinstance(value, date) else str(value)


METHODS = {"bigquery.v2": {"bigquery.jobs.query": _query, "bigquery.jobs.getQueryResults": _results}}
