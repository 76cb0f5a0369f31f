"""What the model is told to do: the text decides the task, so these words are part of the engine.

Instruct models stray when they are asked in different words each time, so a task has one wording.
"""

from __future__ import annotations

from kikitori.engines.protocol import Task

PROMPTS = {
    Task.TRANSCRIBE: "Transcribe the speech.",
    Task.TRANSLATE: "Translate the speech into English.",
    Task.DESCRIBE: "Describe the sounds.",
    Task.SUMMARIZE: "Summarize the speech.",
    Task.ASK: "",
}
"""The wording per task; asking a question has none of its own."""

_LANGUAGES = {
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "yue": "Cantonese",
    "zh": "Chinese",
}


def task_prompt(task: Task, language: str | None, context: str | None) -> str:
    """The words for hearing one window.

    Args:
        task: transcribe or translate.
        language: ISO 639-1 code of the speech, if known.
        context: text that the speech continues, as OpenAI's `prompt` field.
    """
    words = PROMPTS[task]
    if language:
        words += f" The speech is in {_LANGUAGES.get(language, language)}."
    if context:
        words += f" It continues this text: {context}"
    return words


def about_transcript(transcript: str) -> str:
    """The words that stand for a recording which is too long to be heard at once."""
    return f"This is what is said in a recording:\n{transcript}\n\n"
