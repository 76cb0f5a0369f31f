"""What this service can do: https://platform.openai.com/docs/api-reference/models."""

from __future__ import annotations

from fastapi import APIRouter

from kikitori.api.dependencies import ServiceDep
from kikitori.engines.protocol import Description
from kikitori.settings import Settings

router = APIRouter(prefix="/v1/models", tags=["models"])


def model_entry(description: Description, settings: Settings) -> dict[str, object]:
    """OpenAI's model object with our engine, tasks and limits. The page's `config.json` holds the same.

    `languages` are ISO 639-1 codes, null where the list is long; limits in seconds and bytes.
    """
    return {
        "id": description.model,
        "object": "model",
        "created": 0,
        "owned_by": "kikitori",
        "aliases": list(description.aliases),
        "engine": description.engine,
        "tasks": list(description.tasks),
        "prompts": dict(description.prompts),
        "languages": None if description.languages is None else list(description.languages),
        "limits": {"audio_seconds": settings.max_audio_s, "upload_bytes": settings.max_upload_bytes},
    }


@router.get("", summary="The model and what it can do")
async def list_models(service: ServiceDep) -> dict[str, object]:
    """The one model of this service."""
    return {"object": "list", "data": [model_entry(service.description, service.settings)]}


@router.get("/{name:path}", summary="The model by name or alias")
async def retrieve_model(name: str, service: ServiceDep) -> dict[str, object]:
    """The model, if it is this one."""
    service.check_model(name)
    return model_entry(service.description, service.settings)
