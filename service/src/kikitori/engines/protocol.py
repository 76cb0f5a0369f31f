"""What the service and a model agree on.

An engine is plain, single-threaded code: `engines.scheduler` owns the one thread that calls it, decides who
runs, and carries the pieces back to the event loop. An engine that batches advances all its runs in one step.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol, TypeVar

from kikitori.audio.clip import Clip
from kikitori.errors import ServiceError


class Task(StrEnum):
    """What a caller can ask for."""

    TRANSCRIBE = "transcribe"
    TRANSLATE = "translate"
    DESCRIBE = "describe"
    SUMMARIZE = "summarize"
    ASK = "ask"
    CHAT = "chat"


class Note(StrEnum):
    """What a reader should know of an answer."""

    REPETITION = "repetition"
    """The model went round in a loop and was stopped; the end of the text is not to be trusted."""
    CUT = "cut"
    """A part of the text reached the most tokens that it may have; what was said after that is missing."""
    BY_TRANSCRIPT = "by_transcript"
    """The audio was too long to be heard at once, so it was transcribed and the answer made from the text."""


class Phase(StrEnum):
    """The parts of a cold start, in order; an engine leaves out what it does not have."""

    PROCESS = "process"
    IMPORTS = "imports"
    DEVICE = "device"
    WEIGHTS = "weights"
    WARMUP = "warmup"


class Report(Protocol):
    """Tells how far a load is: naming a new phase ends the one before. Sizes are bytes."""

    def __call__(self, phase: Phase, done: int | None = None, total: int | None = None) -> None:
        """Enter a phase, or move on within it."""


@dataclass(frozen=True, slots=True)
class Description:
    """What an engine is and can do, known before it has loaded anything."""

    engine: str
    model: str
    aliases: tuple[str, ...]
    """Other names under which a request may ask for the model."""
    tasks: tuple[Task, ...]
    languages: tuple[str, ...] | None
    """ISO 639-1 codes of what it understands; None where the list is long."""
    on_gpu: bool
    """Whether it runs on a GPU; false until that is known."""
    prompts: Mapping[Task, str] = field(default_factory=dict)
    """The wording of the tasks that are asked for by text."""
    heard_at_once_s: float = 0
    """Seconds of sound that a chat hears whole; of more, and of what is transcribed, only the windows are heard."""

    def needs_windows(self, request: Request) -> bool:
        """Whether the engine will ask for the windows of the clips."""
        return request.task is not Task.CHAT or request.duration > self.heard_at_once_s


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: texts and clips in the order they were given."""

    role: Literal["system", "user", "assistant"]
    content: tuple[str | Clip, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the model."""

    task: Task
    messages: tuple[Message, ...]
    language: str | None = None
    """ISO 639-1 code of the speech; None lets the model find out."""
    prompt: str | None = None
    """Text that the speech continues, as OpenAI's `prompt` field."""
    temperature: float = 0.0
    """0 takes the likeliest token; anything else is at least 0.01."""
    top_p: float | None = None
    """Share of probability to sample from; None is the engine's own."""
    seed: int | None = None
    """Makes sampling repeatable; None leaves it to chance."""
    max_tokens: int | None = None
    """Most tokens to answer with; None is the engine's own limit."""

    @property
    def clips(self) -> tuple[Clip, ...]:
        """All audio of the request, in order."""
        return tuple(part for message in self.messages for part in message.content if isinstance(part, Clip))

    @property
    def duration(self) -> float:
        """Length of all audio in seconds."""
        return sum(clip.duration for clip in self.clips)


def compression_ratio(text: str) -> float:
    """How much smaller zlib makes the text; Whisper holds that above 2.4 it repeats itself."""
    data = text.encode()
    return len(data) / len(zlib.compress(data))


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech with its times in seconds from the start of the clip.

    The figures are Whisper's: mean log probability per token, compression ratio of the text it was part of (None
    where that is this text), and the probability that nobody speaks. None where an engine does not measure it.
    """

    start: float
    end: float
    text: str
    tokens: tuple[int, ...] = ()
    temperature: float = 0.0
    avg_logprob: float | None = None
    compression_ratio: float | None = None
    no_speech_prob: float | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """What one step added to an answer."""

    text: str
    tokens: int = 0
    """Tokens generated for this piece."""
    segment: Segment | None = None
    """Set where the piece is a whole segment of a transcript."""


@dataclass(slots=True)
class Advance:
    """The outcome of a step for one run."""

    pieces: list[Piece] = field(default_factory=list)
    finish: Literal["stop", "length"] | None = None
    """Why the answer ended; None while it goes on."""
    input_tokens: int = 0
    """Tokens read for this step: audio positions and prompt."""
    prefill_s: float = 0.0
    """Seconds of the step spent on reading the input, before the first new token."""
    language: str | None = None
    """ISO 639-1 code, once known."""
    notes: tuple[Note, ...] = ()
    """All notes on the answer so far."""
    error: ServiceError | None = None
    """Ends this run with an error; the others go on."""


RunT = TypeVar("RunT")
"""An engine's own state of one answer in progress."""


class Engine(Protocol[RunT]):
    """A model that answers. `description` may be read anywhere; the rest belongs to the inference thread."""

    @property
    def description(self) -> Description:
        """What this engine is; never needs the model to be loaded."""

    def load(self, report: Report) -> None:
        """Make the model ready, a real warm-up run included.

        Raises:
            StartupError: it cannot work here; the message says what to change.
        """

    def start(self, request: Request) -> RunT:
        """Begin an answer; cheap, the work is done by `step`."""

    def step(self, runs: Sequence[RunT]) -> Sequence[Advance]:
        """Advance each of the runs by its next token or window; one outcome per run, in order."""

    def cancel(self, run: RunT) -> None:
        """Free what a run holds. The run is never stepped again."""

    def close(self) -> None:
        """Free the model."""
