"""Artifact Analysis: the scan of a pushed image is over at once, and finds what was put into the state."""

from __future__ import annotations

import re

from tests.local_cloud.call import Call
from tests.local_cloud.errors import invalid
from tests.local_cloud.paging import paged
from tests.local_cloud.store import Json

_FILTER = re.compile(r'resourceUrl="https://([^"]+@sha256:[0-9a-f]{64})" AND kind="(DISCOVERY|VULNERABILITY)"')


def _list(call: Call) -> Json:
    asked = _FILTER.fullmatch(call.query.get("filter", ""))
    if not asked:
        raise invalid(f"The local cloud does not know the filter {call.query.get('filter')}")
    image, kind = asked.groups()
    base = {"resourceUri": f"https://{image}", "kind": kind}
    digest = image.rpartition("@")[2]
    page, token = paged(call, call.store.children(f"containeranalysis.googleapis.com/{call.name}/{digest}"))
    if kind == "DISCOVERY":
        return {"occurrences": [{**base, "discovery": {"analysisStatus": "FINISHED_SUCCESS"}}]}
    answer: Json = {"occurrences": [{**base, **entity.body} for entity in page]} if page else {}
    return answer | ({"nextPageToken": token} if token else {})


METHODS = {"containeranalysis.v1": {"containeranalysis.projects.occurrences.list": _list}}
