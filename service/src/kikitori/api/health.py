"""What a platform asks to know whether this process works."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from kikitori.api.dependencies import ServiceDep

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live", summary="The process is up")
async def live() -> dict[str, str]:
    """200 from the moment the port is open."""
    return {"status": "live"}


@router.get("/ready", summary="The engine is ready")
async def ready(service: ServiceDep) -> Response:
    """200 when the engine can answer, 503 with the phase until then."""
    startup = service.startup
    return JSONResponse(startup.snapshot(), 200 if startup.status == "ready" else 503)
