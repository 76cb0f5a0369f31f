"""An engine whose every step a test allows, to look at what surrounds an engine."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kikitori.audio.clip import Clip
from kikitori.engines.protocol import Advance, Description, Phase, Piece, Report, Request, Segment, Task
from kikitori.engines.qwen2_audio.prompts import PROMPTS
from kikitori.errors import Code, ServiceError, StartupError


@dataclass(eq=False)
class Run:
    """The words of an answer that are still to be said."""

    words: list[Piece]

    @property
    def breaks(self) -> bool:
        """Whether the next word is the one that breaks a step."""
        return bool(self.words) and self.words[0].text == "break"


@dataclass
class ScriptedEngine:
    """Says back the texts it was given, a word a step, and the length of each clip in seconds.

    A transcript is "heard 1.50s of sound", one segment. `load_gate` and `step_gate` hold the engine back until they are
    released. A text "refuse" is refused, "break" breaks the step, "load_error" fails the load.
    """

    load_gate: threading.Event = field(default_factory=threading.Event)
    step_gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    load_error: str | None = None
    running: list[int] = field(default_factory=list)
    """How many answers each step advanced."""
    started: list[Request] = field(default_factory=list)
    stepping: bool = False
    cancelled: list[Run] = field(default_factory=list)
    closed: bool = False

    description = Description(
        engine="scripted",
        model="parrot",
        aliases=(),
        tasks=tuple(Task),
        languages=None,
        on_gpu=True,
        prompts=PROMPTS,
        heard_at_once_s=10,
    )

    def load(self, report: Report) -> None:
        """Report some phases and wait for the gate."""
        report(Phase.IMPORTS)
        report(Phase.WEIGHTS, 0, 100)
        self.load_gate.wait()
        report(Phase.WEIGHTS, 100, 100)
        if self.load_error:
            raise StartupError(self.load_error)

    def start(self, request: Request) -> Run:
        """Take the words of the last message."""
        self.started.append(request)
        words: list[Piece] = []
        for part in request.messages[-1].content:
            if isinstance(part, Clip):
                words += _heard(part, request.task)
            else:
                words += [Piece(word, tokens=1) for word in part.split()]
        if any(word.text == "refuse" for word in words):
            raise ServiceError(Code.INVALID_PARAMETER, "refused")
        return Run(words)

    def step(self, runs: Sequence[Run]) -> Sequence[Advance]:
        """Say the next word of each."""
        self.stepping = True
        self.step_gate.acquire()
        self.stepping = False
        self.running.append(len(runs))
        if any(run.breaks for run in runs):
            raise RuntimeError("broken")
        return [self._say(run) for run in runs]

    def cancel(self, run: Run) -> None:
        """Remember it."""
        self.cancelled.append(run)

    def close(self) -> None:
        """Remember it."""
        self.closed = True

    @staticmethod
    def _say(run: Run) -> Advance:
        word = run.words.pop(0)
        if run.words:
            return Advance([replace(word, text=f"{word.text} ")], input_tokens=1)
        return Advance([word], "stop", input_tokens=1)

    def hold(self) -> None:
        """Let every step from now on wait for `step_gate`, whatever was allowed before."""
        self.step_gate = threading.Semaphore(0)

    def allow_everything(self) -> None:
        """Open all gates for good."""
        self.load_gate.set()
        self.step_gate.release(1_000_000)


def _heard(clip: Clip, task: Task) -> list[Piece]:
    length = f"{clip.duration:.2f}s"
    if task is not Task.TRANSCRIBE:
        return [Piece(length, tokens=1)]
    text = f"heard {length} of sound"
    *words, last = [Piece(word, tokens=1) for word in text.split()]
    return [*words, replace(last, segment=Segment(0.0, clip.duration, text))]
