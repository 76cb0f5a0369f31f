"""Train the tiny Qwen2-Audio on spoken digits, test it on unheard voices, and write it if it is good enough."""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor

from service.tests.tiny_model import corpus, evaluate, tasks, tiny
from service.tests.tiny_model.conversations import IGNORE, Batch, Batcher
from service.tests.tiny_model.corpus import Composer
from service.tests.tiny_model.speech import DIGITS

# Seconds of sound in the longest clip of a batch, clips in that batch: batches cost about the same.
BUCKETS = {2.0: 24, 4.0: 16, 7.0: 12, 12.0: 8, 20.0: 4, 30.0: 3}
# How often each bucket is drawn, and from which part of the training on: short clips first, or nothing is learned.
CURRICULUM = (
    (0.00, (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
    (0.10, (0.5, 0.5, 0.0, 0.0, 0.0, 0.0)),
    (0.20, (0.2, 0.4, 0.4, 0.0, 0.0, 0.0)),
    (0.30, (0.1, 0.2, 0.35, 0.35, 0.0, 0.0)),
    (0.45, (0.1, 0.15, 0.2, 0.3, 0.25, 0.0)),
    (0.60, (0.1, 0.15, 0.15, 0.25, 0.2, 0.15)),
)
LOOK_FROM = 0.12
MOST_BYTES = 6_000_000


class Tutor(nn.Module):
    """Throw-away helpers, without which a model of this size does not find the words, or loses its place among them.

    Heads on the projected sound name the words and number them, trained by CTC so that no timing is needed, and tell
    the voice. Where the numbers light up then shows one attention head where to look for each word of an answer.
    """

    NAMES = ("words", "places", "voices", "looks")

    def __init__(self, width: int) -> None:
        super().__init__()
        self.words = nn.Linear(width, 1 + len(DIGITS))
        self.places = nn.Linear(width, 1 + tasks.MAX_WORDS)
        self.register = nn.Linear(width, 1)

    def forward(self, sound: torch.Tensor, attention: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the losses in the order of `NAMES`, shape (4,).

        `sound` has shape (clips, sound tokens, width), `attention` of one head (rows, tokens, tokens).
        """
        truths = [clip.truth for clip in batch.clips]
        lengths = tiny.audio_tokens(batch.feature_mask.sum(1))
        counts = torch.tensor([len(truth.words) for truth in truths])
        real = (torch.arange(sound.shape[1]) < lengths[:, None])[..., None]
        sound = sound.float()
        names = self.words(sound).log_softmax(-1)
        places = self.places(sound).log_softmax(-1)
        spoken = torch.tensor([1 + DIGITS.index(word) for truth in truths for word in truth.words])
        numbers = torch.tensor([1 + place for truth in truths for place in range(len(truth.words))])
        losses = [
            nn.functional.ctc_loss(scores.transpose(0, 1), target, lengths, counts, zero_infinity=True)
            for scores, target in ((names, spoken), (places, numbers))
        ]
        mean = (sound * real).sum(1) / lengths[:, None]
        high = torch.tensor([float(truth.register == "high") for truth in truths])
        losses.append(
            nn.functional.binary_cross_entropy_with_logits(self.register(mean)[:, 0], high, weight=(counts > 0).float())
        )
        row, place, clip, word = batch.pointers.unbind(1)
        peaks = places.detach().masked_fill(~real, -torch.inf).argmax(1)[clip, 1 + word]
        offset = torch.arange(attention.shape[-1]) - (batch.sounds[clip] + peaks)[:, None]
        looked = (attention[row, place].float() * (offset.abs() <= 2)).sum(-1)
        losses.append(-(looked + 1e-4).log().mean() if len(row) else torch.zeros(()))
        return torch.stack(losses) * torch.tensor([1.0, 0.5, 0.5, 0.5])


def learning_rate(progress: float, peak: float) -> float:
    """Return the rate after a short linear rise and along a cosine to almost zero; `progress` within 0 and 1."""
    return peak * min(1.0, progress / 0.03) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def set_window(model: Qwen2AudioForConditionalGeneration, frames: int) -> None:
    """Make the encoder take `frames` mel frames instead of 3000, so that short clips cost little."""
    tower = model.model.audio_tower
    tower.config.max_source_positions = frames // 2
    positions = tiny.sinusoids(tiny.MAX_POSITIONS, tower.config.d_model)[: frames // 2]
    tower.embed_positions.weight = nn.Parameter(positions, requires_grad=False)


def train(
    model: Qwen2AudioForConditionalGeneration,
    batcher: Batcher,
    steps: int,
    peak: float,
    rng: np.random.Generator,
) -> None:
    """Train `model` in place; prints progress."""
    tutor = Tutor(model.config.text_config.hidden_size)
    parameters = [p for p in [*model.parameters(), *tutor.parameters()] if p.requires_grad]
    # Muon for the matrices of the layers learns in about two thirds of the steps that AdamW alone needs.
    layers = [*model.model.audio_tower.layers.parameters(), *model.model.language_model.layers.parameters()]
    matrices = [parameter for parameter in layers if parameter.ndim == 2]
    chosen = {id(parameter) for parameter in matrices}
    rest = [parameter for parameter in parameters if id(parameter) not in chosen]
    optimizers: list[tuple[torch.optim.Optimizer, float]] = [
        (torch.optim.AdamW(rest, betas=(0.9, 0.98), weight_decay=0.01), peak),
        (torch.optim.Muon(matrices, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"), 2 * peak),
    ]
    heard: list[torch.Tensor] = []
    looks: list[torch.Tensor] = []
    hooks = [
        model.model.multi_modal_projector.register_forward_hook(lambda *call: heard.append(call[2])),
        model.model.language_model.layers[-1].self_attn.register_forward_hook(lambda *call: looks.append(call[2][1])),
    ]
    # Only this implementation tells where it looks.
    model.model.language_model.config._attn_implementation = "eager"
    model.train()
    started, averages = time.monotonic(), np.zeros(1 + len(Tutor.NAMES))
    buckets = list(BUCKETS.items())
    for step in range(steps):
        progress = step / steps
        odds = next(odds for start, odds in reversed(CURRICULUM) if progress >= start)
        seconds, rows = buckets[int(rng.choice(len(buckets), p=odds))]
        batch = batcher.draw(seconds, rows, several=0.2 if progress > 0.4 and seconds <= 12 else 0)
        set_window(model, batch.features.shape[-1])
        heard.clear()
        looks.clear()
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(
                input_ids=batch.ids,
                attention_mask=batch.mask,
                input_features=batch.features,
                feature_attention_mask=batch.feature_mask,
                use_cache=False,
            ).logits
        answered = batch.labels != IGNORE
        loss = nn.functional.cross_entropy(logits[answered].float(), batch.labels[answered])
        hint = tutor(heard[0], looks[0][:, 0], batch)
        if progress < LOOK_FROM:
            hint = hint * torch.tensor([1.0, 1.0, 1.0, 0.0])
        # The hint is needed until the words are found and would hold the rest back at the end.
        (loss + hint.sum() * max(0.0, 1 - progress / 0.85)).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimizer, highest in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(progress, highest)
            optimizer.step()
            optimizer.zero_grad()
        averages += (0.03 if step > 30 else 1 / (step + 1)) * (np.array([loss.item(), *hint.tolist()]) - averages)
        if step % 50 == 49:
            names = ("answers", *Tutor.NAMES)
            figures = "  ".join(f"{name} {value:.3f}" for name, value in zip(names, averages, strict=True))
            print(f"step {step + 1}/{steps}  {figures}  {time.monotonic() - started:.0f} s", flush=True)
    for hook in hooks:
        hook.remove()
    model.model.language_model.config._attn_implementation = "sdpa"
    set_window(model, tiny.WINDOW_SECONDS * 100)
    model.eval()


def prove_and_write(model: Qwen2AudioForConditionalGeneration, processor: Qwen2AudioProcessor, folder: Path) -> int:
    """Test what would be written, as it would be loaded, and put it at `folder` only if it is good enough."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        draft = Path(scratch) / folder.name
        tiny.save(model, processor, draft)
        size = sum(file.stat().st_size for file in draft.iterdir())
        print(f"{size} bytes", flush=True)
        misses = [f"{size} bytes"] if size > MOST_BYTES else []
        reports = {}
        for dtype, full in ((torch.float32, True), (torch.bfloat16, False)):
            report = evaluate.measure(evaluate.Listener(draft, dtype), 300, 20, full=full)
            print(dtype)
            evaluate.show(report)
            misses += [f"{miss} in {dtype}" for miss in report.misses]
            reports[str(dtype).removeprefix("torch.")] = vars(report)
        if misses:
            print("not written: " + ", ".join(misses), file=sys.stderr)
            return 1
        (draft / "evaluation.json").write_text(json.dumps(reports, indent=2, ensure_ascii=False) + "\n")
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
    return 0


def main() -> int:
    """Run the program; non-zero where the targets were missed and nothing was written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the model is written")
    parser.add_argument("--cache", type=Path, default=Path(".cache/speech"), help="where synthesised speech is kept")
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--utterances", type=int, default=9000, help="size of the training pool")
    parser.add_argument("--rate", type=float, default=1.1e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    started = time.monotonic()
    pool = corpus.load_pool(options.cache, options.utterances, options.seed)
    print(f"{len(pool)} utterances after {time.monotonic() - started:.0f} s", flush=True)
    processor = tiny.build_processor()
    model = tiny.build_model(processor)
    train(model, Batcher(processor, Composer(pool, rng), rng), options.steps, options.rate, rng)
    print(f"trained after {time.monotonic() - started:.0f} s", flush=True)
    return prove_and_write(model, processor, options.folder)


if __name__ == "__main__":
    sys.exit(main())
