"""`entries.list` of the log of requests that Cloud Run writes, from the meter; no other log is kept.

https://docs.cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list
"""

from __future__ import annotations

import re
from datetime import datetime

from tests.local_cloud import filters
from tests.local_cloud.call import Call
from tests.local_cloud.cloud_run.meter import Served
from tests.local_cloud.errors import GoogleError, bad_field
from tests.local_cloud.store import Json

from .run_metrics import stamp

_USUAL_SIZE = 50
_TIME = re.compile(r'timestamp\s*(>=|<)\s*"([^"]+)"')
_EQUAL = re.compile(r'([\w.]+)\s*=\s*"([^"]*)"')


def listed(call: Call) -> Json:
    """The requests of a project that a filter lets through: comparisons for equality and of times, joined by AND."""
    project = call.cloud.project.id
    if call.body.get("resourceNames") != [f"projects/{project}"]:
        raise GoogleError("PERMISSION_DENIED", "Permission denied for all log views")
    if call.body.get("orderBy", "timestamp asc") != "timestamp asc":
        raise GoogleError("UNIMPLEMENTED", "The local cloud gives the oldest entries first.")
    text = call.body.get("filter", "")
    filters.check(text)
    served = call.cloud.meter.requests if call.cloud.meter else []
    entries = [_entry(project, one) for one in sorted(served, key=lambda one: one.arrived)]
    found = [entry for entry in entries if _fits(entry, text)]
    size, token = call.body.get("pageSize", _USUAL_SIZE), call.body.get("pageToken", "0")
    if not token.isdigit():
        raise bad_field("page_token", "Invalid page token")
    begin = int(token)
    more = {"nextPageToken": str(begin + size)} if begin + size < len(found) else {}
    return {"entries": found[begin : begin + size], **more}


def _entry(project: str, one: Served) -> Json:
    place = one.service.split("/")
    instance = {} if one.instance is None else {"instanceId": f"{one.revision.name}-{one.instance}"}
    return {
        "logName": f"projects/{project}/logs/run.googleapis.com%2Frequests",
        "insertId": f"{one.arrived:.6f}-{id(one):x}",
        "timestamp": stamp(one.arrived),
        "receiveTimestamp": stamp(one.ended),
        "severity": "INFO" if one.status < 400 else "WARNING" if one.status < 500 else "ERROR",
        "labels": instance,
        "resource": {
            "type": "cloud_run_revision",
            "labels": {
                "project_id": project,
                "location": place[3],
                "service_name": place[5],
                "configuration_name": place[5],
                "revision_name": one.revision.name,
            },
        },
        "httpRequest": {
            "requestMethod": one.method,
            "requestUrl": f"https://{place[5]}.run.app{one.path}",
            "status": one.status,
            "latency": f"{one.ended - one.arrived:.6f}s",
        },
    }


def _fits(entry: Json, text: str) -> bool:
    labels = {f"resource.labels.{name}": value for name, value in entry["resource"]["labels"].items()}
    known = {
        "logName": entry["logName"],
        "severity": entry["severity"],
        "resource.type": entry["resource"]["type"],
        **labels,
    }
    time = datetime.fromisoformat(entry["timestamp"])
    times = [(comparison, datetime.fromisoformat(value)) for comparison, value in _TIME.findall(text)]
    return all(known.get(name) == value for name, value in _EQUAL.findall(_TIME.sub("", text))) and all(
        time >= given if comparison == ">=" else time < given for comparison, given in times
    )
