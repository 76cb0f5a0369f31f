"""Lets the service work for minutes under all kinds of callers at once: `make soak`, with SOAK_S=seconds.

The model is the tests' tiny one. The exit status is 1 where an answer was not its own clip's, a status was not what it
should be, something was logged that should not happen, or memory kept growing.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import psutil

from service.tests.tiny_model.speech import held_out_recording, held_out_utterances
from service.tests.tiny_model.tasks import QUESTIONS
from tests.chat import asking
from tests.processes import ServiceProcess, running_service
from tests.speech import wav

_TINY = Path(__file__).parent.parent / "service" / "tests" / "tiny-qwen2-audio"
_MODEL = "qwen2-audio"
_CALLERS = 12
_MOST_GROWTH = 64 << 20
"""Bytes; allocators and caches settle within that."""

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
    clips: list[bytes]
    expected: dict[tuple[int, str], str] = field(default_factory=dict)
    """What the service says of a clip when it is asked nothing else; no question is a transcription."""
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    """Bytes of the process and its children, once a second."""

    async def run(self, duration_s: float, chance: random.Random) -> None:
        """Learn the answers, then send mixed traffic for that long."""
        for clip in range(len(self.clips)):
            for question in ("", *QUESTIONS):
                self.expected[clip, question] = await self._ask(clip, question)
        until = time.monotonic() + duration_s
        watching = asyncio.create_task(self._watch())
        callers = [self._call(random.Random(chance.random()), until) for _ in range(_CALLERS)]
        await asyncio.gather(*callers)
        watching.cancel()

    async def _call(self, chance: random.Random, until: float) -> None:
        kinds: list[Callable[[random.Random], Awaitable[None]]] = [
            *[self._whole] * 6,
            *[self._streamed] * 4,
            *[self._leave_before] * 2,
            *[self._leave_midway] * 2,
            *[self._bad] * 2,
        ]
        while time.monotonic() < until:
            kind = chance.choice(kinds)
            began = time.monotonic()
            try:
                await kind(chance)
            except openai.OpenAIError as error:
                self.wrong.append(f"{kind.__name__}: {error!r}")
            self.seconds[kind.__name__.lstrip("_")].append(time.monotonic() - began)

    async def _whole(self, chance: random.Random) -> None:
        clip, question = self._draw(chance)
        self._check(clip, question, await self._ask(clip, question))

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
                self.wrong.append(f"{name}: {error.status_code} instead of {status}")
        else:
            self.wrong.append(f"{name}: was answered")

    def _draw(self, chance: random.Random) -> tuple[int, str]:
        return chance.choice(list(self.expected))

    def _check(self, clip: int, question: str, text: str) -> None:
        if text != self.expected[clip, question]:
            self.wrong.append(f"clip {clip}, {question!r}: {text!r} instead of {self.expected[clip, question]!r}")

    async def _ask(self, clip: int, question: str) -> str:
        if not question:
            return (await self.client.audio.transcriptions.create(model=_MODEL, file=self._file(clip))).text
        answer = await self.client.chat.completions.create(model=_MODEL, messages=asking(question, self.clips[clip]))
        return str(answer.choices[0].message.content)

    async def _stream(self, clip: int, question: str) -> AsyncGenerator[str, None]:
        """The pieces of an answer; who stops taking them has left."""
        if question:
            messages = asking(question, self.clips[clip])
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
        return "speech.wav", self.clips[clip]

    async def _watch(self) -> None:
        process = psutil.Process(self.service.process.pid)
        while True:
            family = [process, *process.children(recursive=True)]
            self.memory.append(sum(_resident(member) for member in family))
            await asyncio.sleep(1)

    def verdict(self) -> list[str]:
        """All that is wrong; empty where nothing is."""
        problems = list(self.wrong)
        if self.service.process.poll() is not None:
            problems.append(f"the service has ended with status {self.service.process.returncode}")
        if self.service.logged("Traceback"):
            problems.append("the log has a traceback")
        grown = self._settled() - self._warm()
        if grown > _MOST_GROWTH:
            problems.append(f"memory grew by {grown / (1 << 20):.0f} MiB")
        return problems

    def summary(self) -> str:
        """What happened, for a terminal."""
        lines = [
            f"{kind:14} {len(times):6} times, median {statistics.median(times):.2f} s, slowest {max(times):.2f} s"
            for kind, times in sorted(self.seconds.items())
        ]
        warm, settled = (bytes_ / (1 << 20) for bytes_ in (self._warm(), self._settled()))
        return "\n".join([*lines, f"memory {warm:.0f} MiB when warm, {settled:.0f} MiB at the end"])

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
    clips = [wav(utterance.samples) for utterance in utterances]
    with tempfile.TemporaryDirectory() as folder:
        settings: Any = {"ENGINE": "qwen2-audio", "MODEL": str(_TINY)}
        with running_service(Path(folder), **settings) as service:
            service.until_ready()
            address = f"{service.url}/v1"
            async with openai.AsyncOpenAI(base_url=address, api_key="none", max_retries=0, timeout=120) as client:
                one = Soak(service, client, clips)
                await one.run(duration_s, random.Random(seed))
            print(one.summary())
            problems = one.verdict()
    print("\n".join(problems) or "nothing was wrong")
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
