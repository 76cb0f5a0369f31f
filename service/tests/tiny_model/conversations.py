"""Questions and answers about clips, written in the model's template and turned into tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from transformers import Qwen2AudioProcessor

from service.tests.tiny_model import corpus, tasks, tiny
from service.tests.tiny_model.corpus import Clip, Composer
from service.tests.tiny_model.speech import REGISTERS

IGNORE = -100
"""The label of a token that is not learned."""

WORD_BY_WORD = {"transcribe", *tasks.TRANSLATIONS}
"""Tasks whose answer has one token for each word spoken, in order."""


@dataclass(frozen=True)
class Batch:
    """Tensors of one step; the `clips` sounds may belong to fewer rows of text."""

    ids: torch.Tensor
    """(rows, tokens)"""
    mask: torch.Tensor
    """(rows, tokens)"""
    labels: torch.Tensor
    """(rows, tokens), already shifted: the label at a place is the token that follows it."""
    features: torch.Tensor
    """(clips, 128, frames)"""
    feature_mask: torch.Tensor
    """(clips, frames)"""
    clips: list[Clip]
    sounds: torch.Tensor
    """(clips,): the place in its row at which the sound's tokens begin."""
    pointers: torch.Tensor
    """(words, 4): row and place from which a word of an answer is predicted, the clip and the word's number in it."""


class _Script:
    """One row in the making."""

    def __init__(self, encode: Callable[[str], list[int]]) -> None:
        self._encode = encode
        self.ids: list[int] = []
        self.labels: list[int] = []
        self.sounds: list[int] = []
        self.pointers: list[tuple[int, int, int]] = []
        """Place, number of the sound in this row, number of the word in that sound."""

    def given(self, text: str) -> None:
        """Add text that the model reads."""
        tokens = self._encode(text)
        self.ids += tokens
        self.labels += [IGNORE] * len(tokens)

    def sound(self, token: int, count: int) -> None:
        """Add a sound of `count` tokens."""
        self.sounds.append(len(self.ids))
        self.ids += [token] * count
        self.labels += [IGNORE] * count

    def learned(self, text: str, words: list[tuple[int, int]]) -> None:
        """Add an answer; `words` says of which sound and word in it each token of a word-by-word answer speaks."""
        tokens = self._encode(text)
        assert not words or len(words) == len(tokens), text
        self.pointers += [(len(self.ids) - 1 + number, *word) for number, word in enumerate(words)]
        tokens = tokens + self._encode("<|im_end|>")
        self.ids += tokens
        self.labels += tokens
        self.given("\n")


class Batcher:
    """Draws conversations about clips, with labels on the answers only."""

    def __init__(self, processor: Qwen2AudioProcessor, composer: Composer, rng: np.random.Generator) -> None:
        self._rng, self._composer = rng, composer
        self._tokenizer = processor.tokenizer
        self._filters = torch.from_numpy(processor.feature_extractor.mel_filters).float()
        self._known: dict[str, list[int]] = {}
        self._audio = processor.audio_token_id

    def draw(self, seconds: float, rows: int, several: float) -> Batch:
        """Draw `rows` conversations of at most `seconds` of sound; a share `several` of them has two sounds."""
        scripts: list[_Script] = []
        clips: list[Clip] = []
        pointers: list[tuple[int, int, int, int]] = []
        for row in range(rows):
            script = _Script(self._encode)
            added = self._write(script, seconds, several)
            pointers += [(row, place, len(clips) + sound, word) for place, sound, word in script.pointers]
            clips += added
            scripts.append(script)
        features, lengths = corpus.mels([clip.samples for clip in clips], self._filters)
        size = max(len(script.ids) for script in scripts)
        ids, mask, labels = (torch.full((rows, size), fill) for fill in (0, 0, IGNORE))
        for row, script in enumerate(scripts):
            length = len(script.ids)
            ids[row, :length] = torch.tensor(script.ids)
            mask[row, :length] = 1
            labels[row, : length - 1] = torch.tensor(script.labels[1:])
        feature_mask = (torch.arange(features.shape[-1]) < lengths[:, None]).long()
        sounds = torch.tensor([place for script in scripts for place in script.sounds])
        where = torch.tensor(pointers, dtype=torch.long).reshape(-1, 4)
        return Batch(ids, mask, labels, features, feature_mask, clips, sounds, where)

    def _write(self, script: _Script, seconds: float, several: float) -> list[Clip]:
        rng, compose = self._rng, self._composer.clip
        script.given(f"<|im_start|>system\n{tiny.SYSTEM}<|im_end|>\n")
        if rng.random() >= several:
            clips = [compose(seconds)]
            self._talk(script, clips, turns=int(rng.integers(2, 5)))
        elif rng.random() < 0.5:  # two sounds in one turn: the answers are about both
            register = REGISTERS[int(rng.integers(2))]
            clips = [compose(seconds / 2, register, silence=0) for _ in range(2)]
            self._talk(script, clips, turns=2)
        else:  # a later turn brings a sound of its own: the answer is about that one
            clips = [compose(seconds / 2) for _ in range(2)]
            for clip in clips:
                self._talk(script, [clip], turns=1)
        return clips

    def _talk(self, script: _Script, clips: list[Clip], turns: int) -> None:
        rng = self._rng
        names = list(tasks.PROMPTS)
        weights = np.array([3.0 if name == "transcribe" else 1.0 for name in names])
        first = len(script.sounds)
        truth = tasks.Truth(tuple(word for clip in clips for word in clip.truth.words), clips[0].truth.register)
        origin = [(first + i, number) for i, clip in enumerate(clips) for number in range(len(clip.truth.words))]
        for turn, task in enumerate(rng.choice(names, size=turns, replace=False, p=weights / weights.sum())):
            phrasings = tasks.PROMPTS[task]
            # The first phrasing is the promised one.
            question = phrasings[0 if rng.random() < 0.5 else int(rng.integers(len(phrasings)))]
            script.given("<|im_start|>user\n")
            for clip in clips if turn == 0 else []:
                script.given(f"Audio {len(script.sounds) + 1}: <|audio_bos|>")
                script.sound(self._audio, tiny.audio_tokens(-(-len(clip.samples) // tiny.HOP)))
                script.given("<|audio_eos|>\n")
            script.given(f"{question}<|im_end|>\n<|im_start|>assistant\n")
            script.learned(tasks.answer(task, truth), origin if task in WORD_BY_WORD else [])

    def _encode(self, text: str) -> list[int]:
        if text not in self._known:
            self._known[text] = self._tokenizer.encode(text)
        return self._known[text]
