"""The engine: windows in order, several sounds in one turn, and long recordings by way of their transcript."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from kikitori.audio.clip import SAMPLE_RATE, WINDOW_S, Clip, Window
from kikitori.engines.protocol import (
    Advance,
    Description,
    Message,
    Note,
    Phase,
    Piece,
    Report,
    Request,
    Segment,
    Task,
)
from kikitori.engines.qwen2_audio import WINDOW_TOKENS
from kikitori.engines.qwen2_audio.prompts import PROMPTS, about_transcript, task_prompt
from kikitori.errors import Code, ServiceError, StartupError, model_failed

if TYPE_CHECKING:
    from kikitori.engines.qwen2_audio.assembly import Loaded
    from kikitori.engines.qwen2_audio.loading import Dtype, QuantizationAsked
    from kikitori.engines.qwen2_audio.rows import Batch, Row, Sampling

_log = logging.getLogger(__name__)
_SHORTEST_S = 0.1
"""Below 70 ms a sound makes one audio token or none, which the model cannot take."""
_WINDOW_TOKENS = 400
"""Most tokens for a window of 30 s; the fastest speech has about 250."""
_CHAT_TOKENS = 512
_HEARD_AT_ONCE_S = 300.0
"""Sound in one turn: 25 tokens a second leave room for text within 8,192 positions."""

Conversation = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Prompt:
    """One thing to answer, and what becomes of the text: a segment of the clip, an aside, or the answer itself."""

    conversation: Conversation
    limit: int
    window: Window | None = None
    aside: bool = False


@dataclass(eq=False, slots=True)
class _Run:
    request: Request
    prompts: deque[_Prompt]
    """Those that have no row yet, in order."""
    then: Callable[[str], _Prompt] | None = None
    """Makes the last prompt of what the asides have said."""
    inputs: Future[dict[str, Any]] | None = None
    """What the first of the prompts becomes."""
    current: _Prompt | None = None
    row: Row | None = None
    text: str = ""
    """Of the current prompt."""
    asides: list[str] = field(default_factory=list)
    spoken: str = ""
    notes: set[Note] = field(default_factory=set)
    cut_short: bool = False


class Qwen2AudioEngine:
    """Qwen2-Audio by transformers, with rows that join and leave between tokens.

    Args:
        model: hub id, folder, or gs:// address.
        revision: commit, branch or tag of the hub.
        dtype: of the weights; `auto` is bfloat16 on a GPU and float32 on a CPU.
        trust_remote_code: let Python code that comes with the model run; the class used here never needs it.
        quantization: of the language model; None is as the model is stored.
        concurrency: answers that run at once.
        cache_tokens: most positions of keys and values; None is what fits, and what that many answers could use.
    """

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        dtype: Dtype = "auto",
        trust_remote_code: bool = False,
        quantization: QuantizationAsked = None,
        concurrency: int = 8,
        cache_tokens: int | None = None,
    ) -> None:
        self._model = model
        self._revision = revision
        self._dtype: Dtype = dtype
        self._trust_remote_code = trust_remote_code
        self._quantization: QuantizationAsked = quantization
        self._concurrency = concurrency
        self._cache_tokens = cache_tokens
        self._loaded: Loaded | None = None
        self._batch: Batch | None = None
        # Spectrograms take milliseconds of a CPU: they are made beside the inference thread, and ahead.
        self._preparing = ThreadPoolExecutor(1, "prepare", _in_one_thread)

    @property
    def description(self) -> Description:
        """What this engine is; the name of a folder or of an address is its last part."""
        is_id = self._model.count("/") == 1 and not self._model.startswith((".", "/"))
        return Description(
            engine="qwen2-audio",
            model=self._model if is_id else self._model.rstrip("/").rpartition("/")[2],
            aliases=("qwen2-audio", "whisper-1"),
            tasks=tuple(Task),
            languages=None,
            on_gpu=self._loaded is not None and self._loaded.model.device.type == "cuda",
            prompts=PROMPTS,
            heard_at_once_s=_HEARD_AT_ONCE_S,
        )

    def load(self, report: Report) -> None:
        """Load the weights and answer one real request."""
        report(Phase.IMPORTS)
        # Read by torch when it is imported. Threads that wait for each other on a CPU with other work took 1 s for a
        # step, and take 0.08 s so.
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")
        from kikitori.engines.qwen2_audio.loading import load

        self._loaded = load(
            self._model, self._revision, self._dtype, self._trust_remote_code, report, self._quantization
        )
        from kikitori.engines.qwen2_audio.rows import Batch

        most = self._cache_tokens or self._concurrency * self._loaded.positions
        tokens = min(self._loaded.token_budget, most)
        self._batch = Batch(self._loaded.model, self._loaded.processor, tokens)
        _log.info(
            "room for %d positions of keys and values: %d answers about 30 s of sound at once",
            tokens,
            min(tokens // WINDOW_TOKENS, self._concurrency),
        )
        report(Phase.WARMUP)
        self._warm_up()

    def start(self, request: Request) -> _Run:
        """Plan the answer."""
        run = self._planned(request)
        self._prepare(run)
        return run

    def step(self, runs: Sequence[_Run]) -> Sequence[Advance]:
        """Read a piece of one waiting prompt, and advance all that are being answered by one token."""
        batch = self._ready
        advances = {run: Advance() for run in runs}
        reading = next((run for run in runs if run.row and run.row.reading), None)
        reading = reading or self._take_next([run for run in runs if not run.row], advances)
        if reading and reading.row:
            began = monotonic()
            with _failing_alone(advances[reading]):
                self._say(reading, batch.read(reading.row), advances[reading])
            advances[reading].prefill_s = monotonic() - began
        of_row = {run.row: run for run in runs if run.row}
        for row, text in batch.step():
            self._say(of_row[row], text, advances[of_row[row]])
        for run, advance in advances.items():
            advance.notes = tuple(run.notes)
            if not run.row and not run.prompts and not run.then and not advance.error:
                advance.finish = "length" if run.cut_short else "stop"
        return [advances[run] for run in runs]

    def cancel(self, run: _Run) -> None:
        """Free the row at once."""
        if run.inputs:
            run.inputs.cancel()
        if run.row:
            self._ready.leave(run.row)
            run.row = None

    def close(self) -> None:
        """Free the model."""
        self._preparing.shutdown(cancel_futures=True)
        self._loaded = self._batch = None

    @property
    def _model_loaded(self) -> Loaded:
        if self._loaded is None:
            raise RuntimeError("the engine is not loaded")
        return self._loaded

    @property
    def _ready(self) -> Batch:
        if self._batch is None:
            raise RuntimeError("the engine is not loaded")
        return self._batch

    def _warm_up(self) -> None:
        import numpy as np

        clip = Clip(np.zeros(SAMPLE_RATE, np.float32), (Window(0, SAMPLE_RATE),))
        run = self.start(Request(Task.TRANSCRIBE, (Message("user", (clip,)),), max_tokens=2))
        while not (advance := self.step([run])[0]).finish:
            if advance.error:
                raise StartupError(
                    "The model cannot answer, so its files may be damaged; the log says more. Copy it again."
                )

    def _planned(self, request: Request) -> _Run:
        if request.task in (Task.TRANSCRIBE, Task.TRANSLATE):
            words = task_prompt(request.task, request.language, request.prompt)
            return _Run(request, _hearing(request.clips[0], words, request.max_tokens))
        if request.duration > _HEARD_AT_ONCE_S:
            return self._by_transcript(request)
        sounds = [list(_slices(clip)) for clip in request.clips]
        return _Run(request, deque([self._chat(request, sounds)]))

    def _prepare(self, run: _Run) -> None:
        """Begin to make the inputs of the run's next prompt."""
        if run.then and not run.prompts and not run.row:
            run.prompts.append(run.then(" ".join(run.asides)))
            run.then = None
        run.inputs = self._preparing.submit(self._inputs, run.prompts[0].conversation) if run.prompts else None

    def _take_next(self, waiting: Sequence[_Run], advances: dict[_Run, Advance]) -> _Run | None:
        """Give the first waiting prompt a row, if it fits: one is read at a time, so that the others wait little."""
        batch = self._ready
        for run in waiting:
            if not run.inputs:
                continue
            if batch.rows and not run.inputs.done():
                return None
            with _failing_alone(advances[run]):
                inputs = run.inputs.result()
                length = inputs["input_ids"].shape[1]
                limit = min(run.prompts[0].limit, self._model_loaded.positions - length)
                if limit < 1 or not batch.could_fit(length + limit):
                    raise self._too_long(run.request, length)
                if not batch.fits(length + limit):
                    return None  # it came first; those behind it wait, or it would starve
                run.current, run.text = run.prompts.popleft(), ""
                run.row = batch.join(inputs, self._sampling(run.request), limit)
                advances[run].input_tokens = length
                self._prepare(run)
                return run
        return None

    def _sampling(self, request: Request) -> Sampling:
        sampling = self._model_loaded.sampling(request.temperature)
        return replace(sampling, top_p=request.top_p or sampling.top_p, seed=request.seed)

    def _say(self, run: _Run, text: str, advance: Advance) -> None:
        """Take what a token added, and end the prompt where it ends."""
        prompt, row = run.current, run.row
        if prompt is None or row is None:
            raise RuntimeError("nothing is being answered")
        run.text += text
        if text and not prompt.aside:
            advance.pieces.append(Piece(self._joined(run, text), 1))
            run.spoken += advance.pieces[-1].text
        if row.finish is None:
            return
        self._ready.leave(row)
        run.row = None
        if row.finish == "failed":
            advance.error = model_failed()
        run.cut_short |= row.finish == "length"
        if row.finish == "repetition":
            run.notes.add(Note.REPETITION)
        if row.finish == "length" and prompt.window:
            run.notes.add(Note.CUT)
        if prompt.aside:
            run.asides.append(run.text.strip())
        elif prompt.window and run.text.strip():
            start, end = prompt.window.start / SAMPLE_RATE, prompt.window.end / SAMPLE_RATE
            segment = Segment(start, end, run.text.strip(), tuple(row.tokens), run.request.temperature)
            advance.pieces.append(Piece("", segment=segment))
        if run.then and not run.prompts:
            self._prepare(run)

    @staticmethod
    def _joined(run: _Run, text: str) -> str:
        """A space between windows, where the language has spaces."""
        if run.text != text or not run.spoken:
            return text
        spaced = ord(run.spoken[-1]) < 0x2E80 and ord(text[0]) < 0x2E80 and not text[0].isspace()
        return f" {text}" if spaced else text

    @staticmethod
    def _too_long(request: Request, length: int) -> ServiceError:
        hears = request.task in (Task.TRANSCRIBE, Task.TRANSLATE)
        return ServiceError(
            Code.INVALID_PARAMETER,
            f"The {'prompt' if hears else 'conversation'} takes {length} positions, too many to be answered here. "
            "Send less.",
            "prompt" if hears else "messages",
        )

    def _by_transcript(self, request: Request) -> _Run:
        """Hear everything first, then answer from the text."""
        prompts: deque[_Prompt] = deque()
        for clip in request.clips:
            prompts += _hearing(clip, task_prompt(Task.TRANSCRIBE, request.language, None), None, aside=True)

        def then(transcript: str) -> _Prompt:
            return self._chat(request, [], about_transcript(transcript))

        return _Run(request, prompts, then, notes={Note.BY_TRANSCRIPT})

    def _chat(self, request: Request, sounds: Sequence[Sequence[Any]], preface: str = "") -> _Prompt:
        """The conversation as the chat template takes it; `sounds` replace the clips, in order."""
        remaining = iter(sounds)
        conversation: Conversation = []
        for message in request.messages:
            content: list[dict[str, Any]] = []
            for part in message.content:
                if isinstance(part, str):
                    content.append({"type": "text", "text": part})
                else:
                    content += [{"type": "audio", "audio": samples} for samples in next(remaining, ())]
            conversation.append({"role": message.role, "content": content})
        if preface:
            conversation[-1]["content"].insert(0, {"type": "text", "text": preface})
        return _Prompt(conversation, request.max_tokens or _CHAT_TOKENS)

    def _inputs(self, conversation: Conversation) -> dict[str, Any]:
        """Token ids and features. Control tokens in a caller's text become plain text."""
        loaded = self._model_loaded
        inputs = loaded.processor.apply_chat_template(
            conversation,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            sanitize_control_tokens=True,
        )
        return dict(inputs)


@contextmanager
def _failing_alone(advance: Advance) -> Iterator[None]:
    """Let what goes wrong with one answer end that answer only."""
    try:
        yield
    except ServiceError as error:
        advance.error = error
    except Exception:
        _log.exception("the model failed on a request")
        advance.error = model_failed()


def _in_one_thread() -> None:
    """Keep this thread from having a team of OpenMP: a second one makes the first wait longer for itself."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, "openmp")


def _hearing(clip: Clip, words: str, limit: int | None, aside: bool = False) -> deque[_Prompt]:
    """One prompt per window with speech."""
    return deque(
        _Prompt(
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "audio", "audio": _long_enough(clip.samples[window.start : window.end])},
                        {"type": "text", "text": words},
                    ],
                }
            ],
            limit or _WINDOW_TOKENS,
            window,
            aside,
        )
        for window in clip.windows
    )


def _slices(clip: Clip) -> Any:
    """The whole clip, silence included, in stretches the model can hear."""
    longest = int(WINDOW_S * SAMPLE_RATE)
    for start in range(0, len(clip.samples), longest):
        yield _long_enough(clip.samples[start : start + longest])


def _long_enough(samples: Any) -> Any:
    import numpy as np

    missing = int(_SHORTEST_S * SAMPLE_RATE) - len(samples)
    return np.pad(samples, (0, missing)) if missing > 0 else samples
