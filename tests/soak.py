"""Lets the service work for minutes under all kinds of callers at once: `make soak`, with SOAK_S=seconds.

The model is the tests' tiny one. The exit status is 1 where an answer was not its own clip's or did not come, a status
was not what it should be, something was logged that should not happen, memory kept growing, or callers left something
behind: work, a place, a row of the cache.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import psutil
from kikitori.engines.qwen2_audio import WINDOW_TOKENS

from service.tests.tiny_model.speech import Utterance, held_out_recording, held_out_utterances
from service.tests.tiny_model.tasks import QUESTIONS
from tests.chat import asking
from tests.processes import PATIENCE_S, ServiceProcess, running_service, until
from tests.speech import wav, word_error_rate

_MODEL = "qwen2-audio"
_CONCURRENCY, _QUEUE_SIZE = 8, 24
_SETTINGS: Any = {
    "ENGINE": _MODEL,
    "MODEL": str(Path(__file__).parent.parent / "service" / "tests" / "tiny-qwen2-audio"),
    "CONCURRENCY": str(_CONCURRENCY),
    "QUEUE_SIZE": str(_QUEUE_SIZE),
    "CACHE_TOKENS": str(_CONCURRENCY * WINDOW_TOKENS),
}
_LONGEST = 8192
"""Positions of the longest answer; as all rows get places of one length, the cache has room for it or for others."""
_CALLERS = 12
_MOST_GROWTH = 32 << 20
"""Bytes from the second quarter to the last; a healthy service grew by 4 and by 16 MiB in three minutes."""
_MOST_WORD_ERRORS = 0.3
"""When it is asked alone. The model makes a few, but an answer about another clip is nearly all wrong."""
_MOST_SHOWN = 20
_TRACEBACK = re.compile(r"Traceback .*\n([ \t].*\n)*.*")

_BAD = {
    "not audio": (b"this is not audio" * 100, _MODEL, 400),
    "empty file": (b"", _MODEL, 400),
    "damaged header": (b"RIFF\x24\x00\x00\x00WAVEfmt \xff\xff\xff\xff" + bytes(64), _MODEL, 400),
    "no such model": (wav(held_out_utterances(1)[0].samples), "nobody", 404),
}


@dataclass
class Soak:
    """One run: what was asked, how long it took, and what went wrong."""

    service: ServiceProcess
    client: openai.AsyncOpenAI
    utterances: list[Utterance]
    expected: dict[tuple[int, str], str] = field(default_factory=dict)
    """What the service says of a clip when it is asked nothing else; no question is a transcription."""
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    """Bytes of the process and its children, once a second."""

    def __post_init__(self) -> None:
        self._clips = [wav(utterance.samples) for utterance in self.utterances]

    async def run(self, duration_s: float, chance: random.Random) -> None:
        """Learn the answers, send mixed traffic for that long, and see what is left of it."""
        await self._noting("alone", self._learn())
        if self.wrong:
            return
        end = time.monotonic() + duration_s
        watching = asyncio.create_task(self._watch())
        await asyncio.gather(*(self._call(random.Random(chance.random()), end) for _ in range(_CALLERS)))
        watching.cancel()
        if self._lives:
            await self._come_to_rest()

    async def _learn(self) -> None:
        for clip in range(len(self._clips)):
            for question in ("", *QUESTIONS):
                self.expected[clip, question] = await self._ask(clip, question)
        said = [utterance.text for utterance in self.utterances]
        for question in ("", QUESTIONS[0]):
            heard = [self.expected[clip, question] for clip in range(len(self._clips))]
            if word_error_rate(said, heard) > _MOST_WORD_ERRORS:
                self.wrong[f"alone, {question!r}: {heard} instead of {said}"] += 1

    async def _call(self, chance: random.Random, end: float) -> None:
        kinds: list[Callable[[random.Random], Awaitable[None]]] = [
            *[self._whole] * 6,
            *[self._streamed] * 4,
            *[self._leave_before] * 2,
            *[self._leave_midway] * 2,
            *[self._bad] * 2,
        ]
        while time.monotonic() < end and self._lives:
            kind = chance.choice(kinds)
            name = kind.__name__.lstrip("_")
            began = time.monotonic()
            await self._noting(name, kind(chance))
            self.seconds[name].append(time.monotonic() - began)

    async def _come_to_rest(self) -> None:
        """Whatever a caller left behind keeps the engine busy, or a place or a part of the cache taken."""
        process = psutil.Process(self.service.process.pid)
        try:
            await asyncio.to_thread(until, lambda: process.cpu_percent(interval=1) < 20)
        except TimeoutError:
            self.wrong["afterwards: it is still at work though nobody asks"] += 1
        longest = self._answer(0, QUESTIONS[0], max_tokens=_LONGEST)
        await self._noting("afterwards, an answer that needs the whole cache", longest)
        all_places = [self._answer(*asked) for asked in list(self.expected)[: _CONCURRENCY + _QUEUE_SIZE]]
        await asyncio.gather(*(self._noting("afterwards, all places at once", one) for one in all_places))

    async def _noting(self, what: str, work: Awaitable[None]) -> None:
        """Do it, and keep what goes wrong."""
        try:
            await work
        except openai.OpenAIError as error:
            self.wrong[f"{what}: {error!r}"] += 1

    async def _whole(self, chance: random.Random) -> None:
        await self._answer(*self._draw(chance))

    async def _streamed(self, chance: random.Random) -> None:
        clip, question = self._draw(chance)
        self._check(clip, question, "".join([piece async for piece in self._stream(clip, question)]))

    async def _leave_midway(self, chance: random.Random) -> None:
        async with aclosing(self._stream(*self._draw(chance))) as pieces:
            await anext(pieces, None)

    async def _leave_before(self, chance: random.Random) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ask(*self._draw(chance)), chance.uniform(0.01, 0.5))

    async def _bad(self, chance: random.Random) -> None:
        name, (file, model, status) = chance.choice(list(_BAD.items()))
        try:
            await self.client.audio.transcriptions.create(model=model, file=("a.wav", file))
        except openai.APIStatusError as error:
            if error.status_code != status:
                self.wrong[f"{name}: {error.status_code} instead of {status}"] += 1
        else:
            self.wrong[f"{name}: was answered"] += 1

    def _draw(self, chance: random.Random) -> tuple[int, str]:
        return chance.choice(list(self.expected))

    def _check(self, clip: int, question: str, text: str) -> None:
        if text != self.expected[clip, question]:
            self.wrong[f"clip {clip}, {question!r}: {text!r} instead of {self.expected[clip, question]!r}"] += 1

    async def _answer(self, clip: int, question: str, **options: Any) -> None:
        self._check(clip, question, await self._ask(clip, question, **options))

    async def _ask(self, clip: int, question: str, **options: Any) -> str:
        if not question:
            return (await self.client.audio.transcriptions.create(model=_MODEL, file=self._file(clip))).text
        messages = asking(question, self._clips[clip])
        answer = await self.client.chat.completions.create(model=_MODEL, messages=messages, **options)
        return str(answer.choices[0].message.content)

    async def _stream(self, clip: int, question: str) -> AsyncGenerator[str, None]:
        """The pieces of an answer; who stops taking them has left."""
        if question:
            messages = asking(question, self._clips[clip])
            chunks = await self.client.chat.completions.create(model=_MODEL, messages=messages, stream=True)
            async with chunks:
                async for chunk in chunks:
                    if chunk.choices and chunk.choices[0].delta.content:
                        yield chunk.choices[0].delta.content
        else:
            events = await self.client.audio.transcriptions.create(model=_MODEL, file=self._file(clip), stream=True)
            async with events:
                async for event in events:
                    if event.type == "transcript.text.delta":
                        yield event.delta

    def _file(self, clip: int) -> tuple[str, bytes]:
        return "speech.wav", self._clips[clip]

    async def _watch(self) -> None:
        process = psutil.Process(self.service.process.pid)
        while self._lives:
            family = [process, *process.children(recursive=True)]
            self.memory.append(sum(_resident(member) for member in family))
            await asyncio.sleep(1)

    @property
    def _lives(self) -> bool:
        return self.service.process.poll() is None

    def verdict(self) -> list[str]:
        """All that is wrong, once the service was told to end and its log is whole; empty where nothing is."""
        problems = [f"{times} × {what}" for what, times in self.wrong.most_common(_MOST_SHOWN)]
        if len(self.wrong) > _MOST_SHOWN:
            problems.append(f"and {len(self.wrong) - _MOST_SHOWN} other things")
        if self.service.process.returncode not in (0, -signal.SIGTERM):
            problems.append(f"the service ended with status {self.service.process.returncode}")
        elif self.memory and self._settled() - self._warm() > _MOST_GROWTH:
            problems.append("memory kept growing")
        if trace := _TRACEBACK.search(self.service.log.read_text()):
            problems.append(f"the log has a traceback:\n{trace.group()}")
        return problems

    def summary(self) -> list[str]:
        """What happened, in lines for a terminal."""
        lines = [
            f"{kind:14} {len(times):6} times, median {statistics.median(times):.2f} s, slowest {max(times):.2f} s"
            for kind, times in sorted(self.seconds.items())
        ]
        if self.memory:
            warm, settled = (bytes_ / (1 << 20) for bytes_ in (self._warm(), self._settled()))
            lines.append(f"memory {warm:.0f} MiB when warm, {settled:.0f} MiB at the end")
        return lines

    def _warm(self) -> float:
        """Memory in the second quarter of the run; the first one warms up."""
        quarter = len(self.memory) // 4
        return statistics.median(self.memory[quarter : 2 * quarter + 1])

    def _settled(self) -> float:
        return statistics.median(self.memory[-(len(self.memory) // 4) - 1 :])


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:  # a decoder that has just ended
        return 0


async def soak(duration_s: float, seed: int) -> int:
    """Run, print the summary and what is wrong; the exit status."""
    utterances = [*held_out_utterances(12, seed=seed), held_out_recording(10, seed)]
    with tempfile.TemporaryDirectory() as folder:
        with running_service(Path(folder), **_SETTINGS) as service:
            service.until_ready()
            address = f"{service.url}/v1"
            async with openai.AsyncOpenAI(
                base_url=address, api_key="none", max_retries=0, timeout=PATIENCE_S
            ) as client:
                one = Soak(service, client, utterances)
                await one.run(duration_s, random.Random(seed))
        problems = one.verdict()
    print(*one.summary(), *(problems or ["nothing was wrong"]), sep="\n")
    return 1 if problems else 0


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the traffic (default: the time)")
    arguments = parser.parse_args()
    print(f"{arguments.seconds:.0f} s of traffic with seed {arguments.seed}", flush=True)
    return asyncio.run(soak(arguments.seconds, arguments.seed))


if __name__ == "__main__":
    sys.exit(main())
