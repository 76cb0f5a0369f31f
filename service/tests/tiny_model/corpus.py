"""Training material: a cached pool of utterances, and clips composed from it anew at every step."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soxr
import torch

from service.tests.tiny_model import speech, tasks
from service.tests.tiny_model.speech import Samples, Speaker, Utterance
from service.tests.tiny_model.tiny import HOP, SAMPLE_RATE, WINDOW_SECONDS


def _cache_key(count: int, seed: int) -> str:
    # What decides the sound: a change there must not meet an old cache.
    source = inspect.getsource(speech)
    return hashlib.sha256(f"{count} {seed} {speech.espeak_version()} {source}".encode()).hexdigest()[:12]


def load_pool(folder: Path, count: int, seed: int) -> list[Utterance]:
    """Return `count` utterances of training voices at 16 kHz, from `folder` where they were spoken before."""
    path = folder / f"pool-{_cache_key(count, seed)}.npz"
    if path.exists():
        with np.load(path) as stored:
            flat, ends, labels = stored["flat"], stored["ends"], json.loads(str(stored["labels"]))
        clips = np.split(flat.astype(np.float32) / 32768, ends[:-1])
        return [
            Utterance(clip, SAMPLE_RATE, tuple(label["words"]), Speaker(**label["speaker"]))
            for clip, label in zip(clips, labels, strict=True)
        ]

    def draw(index: int) -> Utterance:
        # Mostly short; a tail of long ones, because words run together otherwise only within a short utterance.
        words = ((1, 1), (1, 3), (2, 5), (2, 5), (3, 6), (6, 12))[index % 6]
        return speech.draw_utterance(np.random.default_rng([seed, index]), held_out=False, words=words)

    with ThreadPoolExecutor(2) as threads:
        pool = list(threads.map(draw, range(count)))
    folder.mkdir(parents=True, exist_ok=True)
    labels = json.dumps([{"words": clip.words, "speaker": asdict(clip.speaker)} for clip in pool])
    flat = np.concatenate([np.round(clip.samples * 32767).astype(np.int16) for clip in pool])
    np.savez(path, flat=flat, ends=np.cumsum([len(clip.samples) for clip in pool]), labels=np.array(labels))
    return pool


@dataclass(frozen=True)
class Clip:
    """One sound as the model hears it."""

    samples: Samples
    """Mono, shape (n,), 16 kHz."""
    truth: tasks.Truth


class Composer:
    """Makes clips of a wanted length out of the pool: pauses, noise, loudness, telephone sound."""

    def __init__(self, pool: list[Utterance], rng: np.random.Generator) -> None:
        self._rng = rng
        by_variant: dict[str, list[Utterance]] = defaultdict(list)
        for utterance in pool:
            by_variant[utterance.speaker.variant].append(utterance)
        self._variants = {
            register: [by_variant[name] for name in names if name in by_variant]
            for register, names in (("low", speech.TRAIN_LOW), ("high", speech.TRAIN_HIGH))
        }

    def clip(self, seconds: float, register: str | None = None, silence: float = 0.04) -> Clip:
        """Return one speaker's clip of at most `seconds`; without speech with the probability `silence`."""
        rng = self._rng
        register = register or speech.REGISTERS[int(rng.integers(2))]
        room = int(seconds * SAMPLE_RATE)
        if rng.random() < silence:
            length = int(rng.uniform(0.3, 1) * room)
            return Clip(self._damage(np.zeros(length, np.float32), noisy=0.7), tasks.Truth((), register))
        utterances = self._variants[register][int(rng.integers(len(self._variants[register])))]
        parts, used = [self._pause(0.5, 0.4)], 0
        words: list[str] = []
        if rng.random() < 0.1:
            parts = [self._pause(1, seconds / 4)]
        used = len(parts[0])
        misses = 0
        while misses < 4:
            utterance = utterances[int(rng.integers(len(utterances)))]
            pause = self._pause(0.9, 0.8) if words else np.zeros(0, np.float32)
            if used + len(pause) + len(utterance.samples) > room or (
                len(words) + len(utterance.words) > tasks.MAX_WORDS
            ):
                misses += 1
                continue
            parts += [pause, utterance.samples]
            used += len(pause) + len(utterance.samples)
            words += utterance.words
        if not words:
            shortest = min(utterances, key=lambda utterance: len(utterance.samples))
            parts, words, used = [shortest.samples], list(shortest.words), len(shortest.samples)
        tail = self._pause(0.4, 1.0)
        parts.append(tail[: max(0, room - used)])
        samples = np.concatenate(parts)
        if rng.random() < 0.6:
            # Faster and higher or slower and lower: a voice that espeak-ng does not have. Never longer than the room.
            factor = rng.uniform(min(0.85, used / room), min(1.15, room / len(samples)))
            samples = soxr.resample(samples, SAMPLE_RATE, SAMPLE_RATE * factor, quality="LQ")[:room]
        return Clip(self._damage(samples, noisy=0.4), tasks.Truth(tuple(words), register))

    def _pause(self, chance: float, longest: float) -> Samples:
        length = self._rng.uniform(0.02, longest) if self._rng.random() < chance else 0
        return np.zeros(int(length * SAMPLE_RATE), np.float32)

    def _damage(self, samples: Samples, noisy: float) -> Samples:
        """Return the samples with a random loudness and, sometimes, noise and a telephone's bandwidth."""
        rng = self._rng
        peak = float(np.abs(samples).max(initial=0)) or 0.3
        samples = samples / peak
        if rng.random() < noisy:
            noise = rng.standard_normal(len(samples), dtype=np.float32)
            if rng.random() < 0.5:
                noise[1:] = 0.6 * noise[1:] + 0.4 * noise[:-1]
                noise[2:] += noise[:-2]
            samples = samples + noise * np.float32(10 ** (-rng.uniform(20, 60) / 20))
        if rng.random() < 0.15:
            phone = soxr.resample(samples, SAMPLE_RATE, 8000, quality="LQ")
            samples = soxr.resample(phone, 8000, SAMPLE_RATE, quality="LQ")
        loudness = np.float32(10 ** (-rng.uniform(0.5, 30) / 20))
        loud: Samples = (samples * loudness / max(1.0, float(np.abs(samples).max(initial=0)))).astype(np.float32)
        return loud


def mels(clips: list[Samples], filters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return Whisper's log mels of all clips and how many frames of each are sound.

    `filters` has shape (201, 128). The first result has shape (len(clips), 128, frames) with a number of frames that is
    a multiple of four and only as large as the longest clip needs, the second has shape (len(clips),). Frame by frame
    it equals what the processor computes for its 30 s window.
    """
    lengths = [-(-len(clip) // HOP) for clip in clips]
    # Two frames more than needed: the last window of the longest clip must see padding, as it does in 30 s.
    frames = min(-(-(max(lengths) + 2) // 4) * 4, WINDOW_SECONDS * SAMPLE_RATE // HOP)
    batch = torch.zeros(len(clips), frames * HOP)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = torch.from_numpy(clip)
    power = torch.stft(batch, 400, HOP, window=torch.hann_window(400), return_complex=True)[..., :-1].abs() ** 2
    log = (filters.T @ power).clamp(min=1e-10).log10()
    log = torch.maximum(log, log.amax(dim=(1, 2), keepdim=True) - 8)
    return (log + 4) / 4, torch.tensor(lengths)
