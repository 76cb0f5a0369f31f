"""What an answer took and what it cost, for `usage` and for `Server-Timing`."""

from __future__ import annotations

from dataclasses import dataclass

from kikitori.engines.job import Job
from kikitori.engines.protocol import Description, Note, Task


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the time of a request went, in milliseconds.

    `cold` is the part spent waiting for the model to load, `queue` for a free place, `decode` turns the file into
    samples, `prefill` reads the audio and the prompt, `generate` writes the answer.
    """

    cold: float
    queue: float
    decode: float
    prefill: float
    generate: float

    @classmethod
    def of(cls, job: Job, decode_s: float, cold_s: float) -> Timing:
        """The figures of a finished job."""
        started, finished = job.started or job.submitted, job.finished or job.submitted
        seconds = (
            cold_s,
            started - job.submitted,
            decode_s,
            job.prefill_s,
            max(0.0, finished - started - job.prefill_s),
        )
        return cls(*(round(value * 1000, 1) for value in seconds))

    def header(self) -> str:
        """The value of `Server-Timing`: https://www.w3.org/TR/server-timing/."""
        return ", ".join(f"{name};dur={value}" for name, value in self.body().items())

    def body(self) -> dict[str, float]:
        """The figures by name."""
        return {
            "cold": self.cold,
            "queue": self.queue,
            "decode": self.decode,
            "prefill": self.prefill,
            "generate": self.generate,
        }


def resources(job: Job, description: Description, price_usd_per_s: float) -> dict[str, object]:
    """Audio, compute and money of a finished job; seconds and US dollars.

    Audio that is transcribed is heard only where somebody speaks; otherwise all of it is.
    The cost of `answer` is this answer's own inference; `waking` and `idle` are the time of the instance that nobody
    had paid for yet, which falls to the answer that ends it.
    """
    given = job.request.duration
    transcribed = job.request.task in (Task.TRANSCRIBE, Task.TRANSLATE) or Note.BY_TRANSCRIPT in job.notes
    used = sum(clip.speech_duration for clip in job.request.clips) if transcribed else given
    bill = job.bill
    return {
        "audio_seconds": round(given, 3),
        "audio_seconds_used": round(used, 3),
        "compute_seconds": round(job.compute_s, 3),
        "gpu_seconds": round(job.compute_s, 3) if description.on_gpu else 0.0,
        "cost_usd": {
            "answer": bill.answer_s * price_usd_per_s,
            "waking": bill.waking_s * price_usd_per_s,
            "idle": bill.idle_s * price_usd_per_s,
        },
    }
