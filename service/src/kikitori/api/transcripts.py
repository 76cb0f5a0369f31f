"""A finished transcript in each of OpenAI's formats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from kikitori.engines.protocol import Note, Segment, compression_ratio


class Format(StrEnum):
    """The values of `response_format`."""

    JSON = "json"
    TEXT = "text"
    SRT = "srt"
    VERBOSE_JSON = "verbose_json"
    VTT = "vtt"


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. `duration` in seconds, `language` an ISO 639-1 code."""

    text: str
    segments: Sequence[Segment]
    language: str | None
    duration: float
    no_speech: bool
    notes: Sequence[Note] = ()

    def json(self) -> dict[str, object]:
        """OpenAI's `Transcription`, with `no_speech` and `notes`."""
        return {"text": self.text, "no_speech": self.no_speech, "notes": list(self.notes)}

    def verbose_json(self, task: str) -> dict[str, object]:
        """OpenAI's `TranscriptionVerbose`, with `no_speech` and `notes`."""
        return {
            "task": task,
            "language": self.language,
            "duration": self.duration,
            **self.json(),
            "segments": self.numbered_segments(),
        }

    def numbered_segments(self) -> list[dict[str, object]]:
        """OpenAI's `TranscriptionSegment`s; `seek` is the start in Whisper's frames of 10 ms."""
        numbered = []
        for number, segment in enumerate(self.segments):
            body = {"id": number, "seek": int(segment.start * 100), **asdict(segment)}
            if segment.compression_ratio is None:
                body["compression_ratio"] = compression_ratio(segment.text)
            numbered.append(body)
        return numbered

    def srt(self) -> str:
        """SubRip subtitles."""
        return "".join(
            f"{number}\n{_clock(segment.start, ',')} --> {_clock(segment.end, ',')}\n{_cue(segment)}\n\n"
            for number, segment in enumerate(self.segments, 1)
        )

    def vtt(self) -> str:
        """WebVTT subtitles: https://www.w3.org/TR/webvtt1/."""
        return "WEBVTT\n\n" + "".join(
            f"{_clock(segment.start, '.')} --> {_clock(segment.end, '.')}\n{_cue(segment, _escape_vtt)}\n\n"
            for segment in self.segments
        )


def _clock(seconds: float, point: str) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"


def _cue(segment: Segment, escape: Callable[[str], str] = str) -> str:
    """The text on one line: an empty line would end the cue, and `-->` would begin another."""
    return escape(" ".join(segment.text.split()).replace("-->", "→"))


def _escape_vtt(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
