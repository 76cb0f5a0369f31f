"""What the model is asked and what it should answer: every answer follows from the words and the voice's register."""

from __future__ import annotations

from dataclasses import dataclass

from service.tests.tiny_model.speech import DIGITS

NUMBERS = (
    *DIGITS,
    *"ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(),
    *(
        ten + (f"-{unit}" if unit != "zero" else "")
        for ten in ("twenty", "thirty", "forty", "fifty", "sixty")
        for unit in DIGITS
    ),
)
MAX_WORDS = len(NUMBERS) - 1

TRANSLATIONS = {
    "english": DIGITS,
    "german": tuple("null eins zwei drei vier fünf sechs sieben acht neun".split()),
    "japanese": tuple("零 一 二 三 四 五 六 七 八 九".split()),
}

NO_SPEECH = "There is no speech."

# The first phrasing of each is the one that tests and the service may rely on; the others make the model less brittle.
PROMPTS: dict[str, tuple[str, ...]] = {
    "transcribe": (
        "Transcribe the speech.",
        "Transcribe the audio.",
        "Transcribe this recording.",
        "Write down what is said.",
    ),
    "count": ("How many words are spoken?", "How many words are there?", "Count the words."),
    "voice": ("Is the voice high or low?", "Is it a high or a low voice?"),
    "german": ("Translate the speech into German.", "Translate this recording into German."),
    "english": ("Translate the speech into English.", "Translate this recording into English."),
    "japanese": ("Translate the speech into Japanese.", "Translate this recording into Japanese."),
    "describe": ("Describe the sounds.", "Describe the audio.", "What do you hear?"),
    "summarize": ("Summarize the speech.", "Summarise the speech.", "Give a short summary."),
    "first": ("What is the first word?",),
    "last": ("What is the last word?",),
}

DECISIVE = ("transcribe", "count", "voice")
"""The tasks that decide whether a model is good enough."""
QUESTIONS = tuple(PROMPTS[task][0] for task in DECISIVE)
"""Those tasks as the tests ask for them."""


@dataclass(frozen=True)
class Truth:
    """What is true of the sound that a question is about."""

    words: tuple[str, ...]
    register: str
    """"high" or "low"; without meaning where nothing is said."""


def answer(task: str, truth: Truth) -> str:
    """Return the right answer to a question of the kind `task`."""
    words = truth.words
    if task == "transcribe":
        return " ".join(words)
    if task in TRANSLATIONS:
        table = dict(zip(DIGITS, TRANSLATIONS[task], strict=True))
        return " ".join(table[word] for word in words)
    if task == "count":
        return NUMBERS[len(words)]
    if task == "voice":
        return truth.register if words else "none"
    if task in ("first", "last"):
        return (words[0] if task == "first" else words[-1]) if words else "none"
    if not words:
        return NO_SPEECH
    if task == "describe":
        return f"A {truth.register} voice says {NUMBERS[len(words)]} word{'s' if len(words) > 1 else ''}."
    if task == "summarize":
        return f"It starts with {words[0]} and ends with {words[-1]}."
    raise ValueError(f"unknown task: {task}")
