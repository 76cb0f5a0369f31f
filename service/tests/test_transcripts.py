"""Subtitles that players can read, whatever a model says."""

from __future__ import annotations

from kikitori.api.transcripts import Transcript
from kikitori.engines.protocol import Segment

TRANSCRIPT = Transcript(
    text="",
    segments=[Segment(0.0, 59.9996, " One\n\ntwo --> <i>three</i> & "), Segment(3661.25, 3662.5, " Four")],
    language="en",
    duration=4000,
    no_speech=False,
)


def test_srt() -> None:
    assert TRANSCRIPT.srt() == (
        "1\n00:00:00,000 --> 00:01:00,000\nOne two → <i>three</i> &\n\n2\n01:01:01,250 --> 01:01:02,500\nFour\n\n"
    )


def test_vtt() -> None:
    assert TRANSCRIPT.vtt() == (
        "WEBVTT\n\n00:00:00.000 --> 00:01:00.000\nOne two → &lt;i&gt;three&lt;/i&gt; &amp;\n\n"
        "01:01:01.250 --> 01:01:02.500\nFour\n\n"
    )
