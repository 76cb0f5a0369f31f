"""Waking the instance: any request does that, and these say how far it has come."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from kikitori.api.dependencies import ServiceDep
from kikitori.api.events import EventStream

router = APIRouter(prefix="/v1/warmup", tags=["warmup"])

_STATUS = {"loading": 202, "ready": 200, "failed": 503}


@router.post("", summary="Wake the instance")
async def wake(service: ServiceDep) -> Response:
    """Answer at once how far the cold start is: 202 while loading, 200 when ready. Call it as often as you like."""
    service.scheduler.wanted()
    return JSONResponse(service.startup.snapshot(), _STATUS[service.startup.status])


@router.get("/events", summary="Follow the cold start")
async def follow(http: Request, service: ServiceDep) -> Response:
    """The same snapshot at every change, as server-sent events; the stream ends with the cold start."""
    return EventStream(service.startup.snapshots(), http.state.arrived + service.settings.deadline_s)
