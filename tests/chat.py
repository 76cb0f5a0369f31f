"""Messages of a chat, as OpenAI's client takes them."""

from __future__ import annotations

import base64
from typing import Any


def sound(file: bytes) -> dict[str, Any]:
    """A WAV file as one part of a message."""
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(file).decode(), "format": "wav"}}


def asking(text: str, *files: bytes) -> list[Any]:
    """A conversation of one turn: the sounds, and what is asked of them."""
    return [{"role": "user", "content": [*map(sound, files), {"type": "text", "text": text}]}]
