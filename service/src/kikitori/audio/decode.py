"""Turns a file's bytes into samples, or says why it cannot. Pure and synchronous; `decode` runs in a worker process."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from kikitori.audio.clip import SAMPLE_RATE
from kikitori.errors import Code, ServiceError

_BLOCK_FRAMES = 1 << 16
_RATES_HZ = range(1_000, 768_001)
_CANCELLED = 0.1
"""Below this share of the channels' mean energy, mixing has cancelled them: one is the other upside down."""
_TRUNCATION_TOLERANCE_S = 0.1
"""A recorder that dies may have written a header a few blocks ahead of its data."""
_CONTAINERS = "aac,amr,flac,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,ogg,wav,w64,aiff,caf,asf"
"""What FFmpeg may open: no playlists, which would make it open other files and addresses."""

_HINT = "Send WAV, FLAC, MP3, OGG, WebM, M4A or MP4."

Samples = npt.NDArray[np.float32]


def decode(data: bytes, max_seconds: float) -> Samples:
    """Decode, mix to mono and resample to 16 kHz.

    Works in blocks and stops at the limit, so memory is bounded by `max_seconds`, not by what the file claims.

    Args:
        data: a whole audio file.
        max_seconds: longest audio accepted.

    Returns:
        float32 samples of shape (n,), n > 0, at 16 kHz, within [-1, 1].

    Raises:
        ServiceError: not audio, damaged, cut off, empty, not finite, or too long.
    """
    if not data:
        raise ServiceError(Code.EMPTY_FILE, f"The file is empty (0 bytes). {_HINT}", "file")
    _check_wav_is_whole(data)
    try:
        samples = _mono(data, max_seconds)
    except ServiceError:
        raise
    except Exception as error:  # what a codec raises on a damaged file is open-ended, and all of it is bad input
        raise ServiceError(
            Code.INVALID_AUDIO, f"The file could not be decoded as audio ({_reason(error)}). {_HINT}", "file"
        ) from error
    if not len(samples):
        raise ServiceError(Code.EMPTY_AUDIO, "The audio has no samples (0 s). Record at least a moment.", "file")
    peak = float(np.max(np.abs(samples)))
    return samples / np.float32(peak) if peak > 1.0 else samples


def plain(data: bytes, max_seconds: float) -> Samples | None:
    """The samples of a WAV that is nothing but a header and 16-bit mono at 16 kHz, as the page records it.

    Such a header is known to the byte, so there is nothing to parse that could be damaged.

    Returns:
        What `decode` would; None for every other file.
    """
    size = len(data) - 44
    if not 0 < size <= 2 * SAMPLE_RATE * max_seconds or size % 2:
        return None
    chunks = (b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16, b"data", size)
    if not data.startswith(struct.pack("<4sI4s4sIHHIIHH4sI", *chunks)):
        return None
    samples: Samples = np.divide(np.frombuffer(data, "<i2", offset=44), 1 << 15, dtype=np.float32)
    return samples


def _mono(data: bytes, max_seconds: float) -> Samples:
    """The mean of the channels, or the loudest of them where they cancel each other out over the whole file."""
    energies: npt.NDArray[np.float64] | float = 0.0
    mixed_energy = 0.0

    def mean(block: Samples) -> Samples:
        nonlocal energies, mixed_energy
        channels = block.shape[1]
        # Over so short an axis, numpy's `mean` and `sum` take 3 to 25 times longer.
        mixed: Samples = block @ np.full(channels, 1 / channels, np.float32)
        energies = energies + np.einsum("ij,ij->j", block, block, dtype=np.float64)
        mixed_energy += float(np.einsum("i,i->", mixed, mixed, dtype=np.float64))
        return mixed

    samples = _collect(_resampled(data, max_seconds, mean), max_seconds)
    if mixed_energy < _CANCELLED * np.mean(energies):
        loudest = int(np.argmax(energies))
        samples = _collect(_resampled(data, max_seconds, lambda block: block[:, loudest]), max_seconds)
    return samples


def _resampled(data: bytes, max_seconds: float, mix: Callable[[Samples], Samples]) -> Iterator[Samples]:
    """Mono float32 blocks at 16 kHz."""
    import soxr

    resampler = None
    frames = 0
    for rate, block in _blocks(data, max_seconds):
        if not np.isfinite(block).all():
            raise ServiceError(
                Code.NON_FINITE_AUDIO,
                f"The audio holds NaN or infinite samples near {frames / rate:.1f} s. "
                "Fix the program that wrote the file, or save it as 16-bit PCM.",
                "file",
            )
        frames += len(block)
        resampler = resampler or soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
        yield resampler.resample_chunk(np.ascontiguousarray(mix(block)))
    if resampler:
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _blocks(data: bytes, max_seconds: float) -> Iterator[tuple[int, Samples]]:
    """The rate in Hz and blocks (frames, channels) at it, by libsndfile where it knows the format, else by FFmpeg."""
    import soundfile

    try:
        sound = soundfile.SoundFile(io.BytesIO(data))
    except soundfile.LibsndfileError:
        return _ffmpeg_blocks(data)
    if sound.format == "MP3":
        # soundfile seeks after each read, which loses MP3's bit reservoir: samples near the seam would be wrong.
        sound.close()
        return _ffmpeg_blocks(data)
    return _sndfile_blocks(sound, max_seconds)


def _sndfile_blocks(sound: Any, max_seconds: float) -> Iterator[tuple[int, Samples]]:
    with sound:
        rate, channels, announced = sound.samplerate, sound.channels, sound.frames
        if rate not in _RATES_HZ:
            raise ServiceError(
                Code.INVALID_AUDIO, f"A sample rate of {rate} Hz is not usable; 1 kHz to 768 kHz is.", "file"
            )
        if announced > max_seconds * rate:
            raise _too_long(max_seconds)
        frames = 0
        size = max(1, _BLOCK_FRAMES // channels)
        # Not `blocks`, which repeats the last block where a file holds less than it announces.
        while len(block := sound.read(size, dtype="float32", always_2d=True)):
            frames += len(block)
            yield rate, block
        _check_length(announced / rate, frames / rate)


def _ffmpeg_blocks(data: bytes) -> Iterator[tuple[int, Any]]:
    import av

    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": ""}
    with av.open(io.BytesIO(data), "r", options=options) as container:
        if not container.streams.audio:
            raise ServiceError(Code.INVALID_AUDIO, f"The file has no audio track. {_HINT}", "file")
        stream = container.streams.audio[0]
        # To planes of floats only, in blocks that are worth a call each.
        converter = av.AudioResampler(format="fltp", frame_size=_BLOCK_FRAMES)
        seconds = 0.0
        for frame in container.decode(stream):
            seconds += frame.samples / frame.sample_rate
            for converted in converter.resample(frame):
                yield converted.sample_rate, converted.to_ndarray().T
        for converted in converter.resample(None):
            yield converted.sample_rate, converted.to_ndarray().T
        # Without this header an MP3's length is only guessed from its first frames.
        counted = container.format.name == "mp3" and any(mark in data[:8192] for mark in (b"Xing", b"Info"))
        if counted and stream.duration and stream.time_base:
            _check_length(float(stream.duration * stream.time_base), seconds)


def _collect(blocks: Iterator[Samples], max_seconds: float) -> Samples:
    """Join the blocks, giving up as soon as they are longer than allowed."""
    collected: list[Samples] = []
    length = 0
    for block in blocks:
        length += len(block)
        if length > max_seconds * SAMPLE_RATE:
            raise _too_long(max_seconds)
        collected.append(block)
    return np.concatenate(collected) if collected else np.zeros(0, np.float32)


def _check_wav_is_whole(data: bytes) -> None:
    """Refuse a WAV whose data chunk is shorter than its header says: part of the recording is missing.

    Programs that write WAV into a pipe cannot know its length and announce the largest there is (or none): that is
    no claim, and such a file is whole. RIFF: https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return
    position, bytes_per_second = 12, 0
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        position += 8
        if name == b"fmt " and position + 14 <= len(data):
            # Not the byte rate, which some writers leave out: frames a second and bytes a frame.
            rate, _, frame = struct.unpack_from("<IIH", data, position + 4)
            bytes_per_second = rate * frame
        if name == b"data":
            present = len(data) - position
            unknown = size == 0 or size >= 0xFFFF0000 or 0x7FFF0000 <= size <= 0x7FFFFFFF
            if not unknown and bytes_per_second:
                _check_length(size / bytes_per_second, min(size, present) / bytes_per_second)
            return
        position += size + size % 2
    raise ServiceError(
        Code.TRUNCATED_AUDIO,
        "The WAV file ends before its audio begins: it was cut off. Send it whole.",
        "file",
    )


def _check_length(announced_s: float, present_s: float) -> None:
    if present_s < announced_s - _TRUNCATION_TOLERANCE_S:
        raise ServiceError(
            Code.TRUNCATED_AUDIO,
            f"The header announces {announced_s:.1f} s of audio but the file holds {present_s:.1f} s: it was cut off. "
            "Send it whole, or write a new header for what there is: ffmpeg -i cut.wav whole.wav",
            "file",
        )


def _too_long(max_seconds: float) -> ServiceError:
    return ServiceError(
        Code.AUDIO_TOO_LONG,
        f"The audio is longer than {max_seconds:g} s, which is what this service takes. Send it in parts.",
        "file",
    )


def _reason(error: Exception) -> str:
    """First line of a codec's message, without its number and the name of our in-memory file."""
    message = getattr(error, "strerror", None) or getattr(error, "error_string", None) or str(error)
    return (str(message).splitlines() or [type(error).__name__])[0][:200]
