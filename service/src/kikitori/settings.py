"""Everything a deployment decides, as environment variables that start with `KIKITORI_`."""

from __future__ import annotations

import difflib
import os
import re
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kikitori.engines.qwen2_audio import WINDOW_TOKENS
from kikitori.errors import StartupError

_PREFIX = "KIKITORI_"
_UNPREFIXED = {"port": "PORT", "hf_token": "HF_TOKEN"}
"""Names that others have given a meaning to."""
_CALLERS_KEY = "KIKITORI_API_KEY"
"""Read by programs that call a service, which may well be started from the same shell."""
_ORIGIN = re.compile(r"https?://[^/\s,]+")
_USER = re.compile(r"[^@\s]*@[^@\s]+\.[^@\s]+")
_DIGEST = re.compile(r"sha256:[0-9a-fA-F]{64}( .*)?")
_SHORTEST_KEY = 16

Commas = Annotated[tuple[str, ...], NoDecode]
"""A list as an operator types it: values with commas between them."""


class Settings(BaseSettings):
    """The settings of one process. Names, units and meanings are the reference: `docs/settings.md` is made of it."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, frozen=True, use_attribute_docstrings=True, env_ignore_empty=True
    )

    host: str = "127.0.0.1"
    """Address to listen on. A container listens on 0.0.0.0; nothing else needs to."""
    port: int = Field(default=8000, ge=1, le=65535, validation_alias=_UNPREFIXED["port"])
    """Port to listen on; without prefix, as Cloud Run sets it."""
    engine: Literal["whisper", "qwen2-audio"] = "whisper"
    """The kind of model that answers."""
    model: str | None = None
    """The model. For `whisper` a folder with a faster-whisper (CTranslate2) model; unset is the packaged tiny.en. For
    `qwen2-audio` a hub id, a folder or a gs:// address; unset is Qwen/Qwen2-Audio-7B-Instruct."""
    model_revision: str | None = None
    """`qwen2-audio`: commit, branch or tag of the hub; pin a commit in production."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """`qwen2-audio`: precision of the weights; `auto` is bfloat16 on a GPU and float32 on a CPU."""
    quantization: Literal["none", "int8", "int4"] | None = None
    """Bits of the weights. `whisper`: none or int8; unset is int8. `qwen2-audio`: none, int8 or int4, of the language
    model; unset is as the model is stored, see scripts/quantize.py."""
    trust_remote_code: bool = False
    """`qwen2-audio`: run Python code that comes with the model. Never needed for Qwen2-Audio, and such code can do
    whatever this process can."""
    hf_token: SecretStr | None = Field(default=None, validation_alias=_UNPREFIXED["hf_token"])
    """Token of the hub, for gated or private models; without prefix, as the hub's own tools read it."""
    concurrency: int = Field(default=8, ge=1, le=256)
    """Answers that run at once."""
    queue_size: int = Field(default_factory=lambda known: 3 * known.get("concurrency", 1), ge=0, le=1024)
    """Requests that may wait beyond those; one more is told to come back later (429). Unset is 3 for each that runs."""
    cache_tokens: int | None = Field(default=None, ge=1)
    """`qwen2-audio`: most positions of keys and values, for all answers together; 30 s of sound take 1,280 with their
    answer. Unset is what fits beside the weights, and not more than the answers that run at once could use."""
    deadline_s: float = Field(default=300, gt=0, le=3600)
    """Seconds from a request's arrival to the end of its answer, waiting for a cold start included."""
    max_audio_s: float = Field(default=1800, ge=1, le=4 * 3600)
    """Seconds of audio in one file."""
    max_upload_mb: float = Field(default=32, gt=0, le=1024)
    """MiB in one request. Cloud Run takes 32 over HTTP/1."""
    auth: Literal["none", "api-key", "firebase"] = "none"
    """Who may call: everyone, holders of a key, or users signed in to the Firebase project."""
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Keys for `api-key`, as they are or as `sha256:` and 64 hexadecimal digits, behind which may stand a space and a
    note, such as whose key it is."""
    firebase_project: str | None = None
    """Project whose users `firebase` lets in."""
    allowed_users: Commas = ()
    """Of those, addresses such as name@example.com and domains such as @example.com that may call; unset is all. An
    address counts once its owner has proved it, as Google's always are."""
    cors_origins: Commas = ()
    """Origins of pages that may call from a browser, such as https://example.web.app; * is any."""
    log_format: Literal["text", "json"] = "text"
    """`json` is what Cloud Logging reads."""
    idle_exit_s: float | None = Field(default=None, gt=0)
    """An experiment: end the process, with status 0, after this many seconds in which nobody asked or woke it; a load
    counts as asking. Unset keeps it. On Cloud Run an instance that ended is not billed, but Google promises nothing."""
    price_usd_per_s: float = Field(default=0, ge=0)
    """What a second of this instance costs, for the estimates in `usage`; a laptop costs nothing."""

    @field_validator("cors_origins", "api_keys", "allowed_users", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin: write scheme://host[:port] without a path")
        return value

    @field_validator("allowed_users")
    @classmethod
    def _are_users(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for user in value:
            if not _USER.fullmatch(user):
                raise ValueError(f"{user!r} is neither an address (name@example.com) nor a domain (@example.com)")
        return value

    @model_validator(mode="after")
    def _engine_takes_what_is_set(self) -> Self:
        if self.engine == "whisper":
            for name in {"model_revision", "dtype", "trust_remote_code", "cache_tokens"} & self.model_fields_set:
                raise ValueError(f"{name.upper()} is a setting of the engine qwen2-audio, and ENGINE is whisper")
            if self.quantization == "int4":
                raise ValueError("QUANTIZATION=int4 is for the engine qwen2-audio; whisper takes none or int8")
        return self

    @model_validator(mode="after")
    def _answers_have_room(self) -> Self:
        least = self.concurrency * WINDOW_TOKENS
        if self.cache_tokens is not None and self.cache_tokens < least:
            raise ValueError(
                f"CACHE_TOKENS={self.cache_tokens} is too little for CONCURRENCY={self.concurrency}: 30 s of sound and "
                f"their answer take {WINDOW_TOKENS}, so {least} in all. Raise the one or lower the other"
            )
        return self

    @model_validator(mode="after")
    def _auth_is_complete(self) -> Self:
        if self.auth == "api-key" and not self.api_keys:
            raise ValueError("AUTH=api-key needs API_KEYS")
        if self.auth == "firebase" and not self.firebase_project:
            raise ValueError("AUTH=firebase needs FIREBASE_PROJECT")
        if self.allowed_users and self.auth != "firebase":
            raise ValueError(f"ALLOWED_USERS counts with AUTH=firebase only, and AUTH is {self.auth}")
        for key in self.api_keys:
            value = key.get_secret_value()
            if value.startswith("sha256:") and not _DIGEST.fullmatch(value):
                raise ValueError("a key in API_KEYS that starts with sha256: needs 64 hexadecimal digits after it")
        if any(len(key.get_secret_value()) < _SHORTEST_KEY for key in self.api_keys):
            raise ValueError(f"every key in API_KEYS needs at least {_SHORTEST_KEY} characters")
        return self

    @property
    def max_upload_bytes(self) -> int:
        """Bytes in one request."""
        return int(self.max_upload_mb * (1 << 20))


def load_settings() -> Settings:
    """Read the settings of this process.

    Raises:
        StartupError: a value is unusable, or a name with our prefix is unknown: a misspelt setting would
            otherwise be ignored in silence. The message names the variable and never shows a value that may be a key.
    """
    known = {variable(name) for name in Settings.model_fields}
    for name in os.environ:
        if name.upper().startswith(_PREFIX) and name not in known and name != _CALLERS_KEY:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
            raise StartupError(f"{name} is no setting of this service; {hint}")
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_input=False, include_url=False):
            name = variable(str(problem["loc"][0])) if problem["loc"] else _PREFIX.rstrip("_")
            lines.append(f"{name}: {problem['msg'].removeprefix('Value error, ')}")
        raise StartupError("\n".join(lines)) from None


def variable(field: str) -> str:
    """The environment variable of a field."""
    return _UNPREFIXED.get(field.lower(), _PREFIX + field.upper())
