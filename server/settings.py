"""The settings, all of them environment variables."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from execution.limits import Limits
from resolvers.read.pagination import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

HOME = Path(os.environ.get("RECOURSE_HOME", "."))  # the project's folder, from the launcher
VAR = HOME / "var"  # holds the development database and the secret of development tokens

DRAIN_SECONDS = 5.0  # the default in production


class Mode(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Each field is read from the environment variable RECOURSE_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="RECOURSE_")

    mode: Mode = Field(
        default=Mode.DEVELOPMENT,
        description="`development` or `production`. If it is not set, `serve` runs in production mode and every other"
        " command in development mode.",
    )
    database_url: str | None = Field(
        default=None,
        description="The database: `sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/NAME`. Required "
        "in production; the default in development is `sqlite://var/recourse.db`. A PostgreSQL URL may "
        "have libpq's parameters `host` (which may be a socket's folder), `port`, `sslmode`, "
        "`sslrootcert`, `target_session_attrs` (`read-write` finds the primary among several hosts) and "
        "`connect_timeout` (seconds for each host; 3 by default).",
    )
    jwks_url: str | None = Field(
        default=None,
        description="Where the issuer publishes the keys of access tokens (JWKS). Required in production; not used in"
        " development.",
    )
    issuer: str | None = Field(
        default=None,
        description="The `iss` that access tokens must have. Required in production.",
    )
    audience: str | None = Field(
        default=None,
        description="The `aud` that access tokens must have, as their only one. Required in production.",
    )
    files_url: str | None = Field(
        default=None,
        description="Where the content of files is stored: a folder that all nodes share, or `s3://BUCKET/PREFIX` in "
        "an S3-compatible store, whose endpoint and credentials come from `AWS_…`. By default a folder "
        "beside the SQLite database, or `var/recourse-files` with PostgreSQL.",
    )
    files_seconds: PositiveFloat = Field(
        default=5,
        description="How long the store of files may take to respond, in seconds. Transferring content may take half "
        "a second more for each megabyte. The default leaves a request enough of `RECOURSE_MAX_SECONDS` "
        "when the store hangs.",
    )
    picture_processes: PositiveInt = Field(
        default=1,
        description="How many processes may draw copies and thumbnails at the same time, for each server process. Each "
        "lives for one file (a photo takes about a second of CPU) and takes at most 1.5 GB of memory, 400 MB for a "
        "photo of 48 megapixels (HEIC: 1.2 GB). None runs while there is nothing to draw.",
    )
    public_url: str | None = Field(
        default=None,
        description="The server's address as clients know it. The URLs of files start with it, and its "
        "origin may use the API. By default, taken from each request.",
    )
    cors_origins: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="The origins of web pages that may use the API, separated by commas, like `https://shop.example`."
        " The origin of `RECOURSE_PUBLIC_URL` is always allowed; in development, so is every page of this"
        " machine.",
    )
    documents: str | None = Field(
        default=None,
        description="A file with the only documents that clients may run (trusted documents): an Apollo manifest, or "
        "`{hash: text}` as Relay and GraphQL Code Generator write it. If it is not set, clients may run "
        "any document.",
    )
    replica_url: str | None = Field(
        default=None,
        description="A replica of the PostgreSQL database, from which queries read. If it is not set, everything "
        "reads the primary.",
    )
    rate_per_account: str | None = Field(
        default=None,
        description="How many requests an account may send, like `600/minute`, or `off`. The default is `600/minute` "
        "in production and `off` in development.",
    )
    rate_per_address: str | None = Field(
        default=None,
        description="How many requests a client's address may send, like `6000/minute`, or `off`. The default is "
        "`6000/minute` in production, because many phones share one address, and `off` in development. "
        "Behind a proxy, set uvicorn's `FORWARDED_ALLOW_IPS` to the proxy's address.",
    )
    rate_store: str = Field(
        default="memory://",
        description="Where requests are counted for the rate limits: `memory://`, in each process for itself, or "
        "`redis://HOST:PORT`, for all nodes together.",
    )
    log_level: Literal["info", "warning", "error"] = Field(
        default="warning",
        description="The lowest level that is logged: `info`, which adds a line for each request, `warning` or "
        "`error`.",
    )
    introspection: bool | None = Field(
        default=None,
        description="Whether clients may query the schema, and error messages may suggest names from it. By default "
        "in development only.",
    )
    max_seconds: PositiveFloat = Field(
        default=20,
        description="How long one request may run, in seconds, and how long its body may take to arrive. The default "
        "is longer than a transaction and its COMMIT may take together (15).",
    )
    keep_alive_seconds: PositiveFloat = Field(
        default=75,
        description="How long an idle connection stays open, in seconds. Must be longer than the proxy keeps its "
        "connections (60 for most), or the proxy sends requests to connections that were just closed.",
    )
    drain_seconds: NonNegativeFloat | None = Field(
        default=None,
        description="How long `/readyz` answers 503 after SIGTERM before the port closes, in seconds: as long as the "
        "load balancer needs to notice. The default is 5 in production and 0 in development. Ctrl-C does "
        "not wait.",
    )
    compression: bool = Field(
        default=True,
        description="Whether responses of 1 kB and more are compressed with gzip for clients that accept it. Set it "
        "to `off` if the proxy compresses.",
    )
    compiled: bool = Field(
        default=True,
        description="Whether operations run as compiled code where they can be compiled. If not, graphql-core runs "
        "them all, with the same results in more time. Turn it off if you suspect the compiler.",
    )
    max_body_bytes: PositiveInt = Field(
        default=1_000_000,
        description="The largest request body, in bytes. Files have limits of their own.",
    )
    max_tokens: PositiveInt = Field(
        default=5_000,
        description="The largest number of tokens (words and punctuation) in a document.",
    )
    max_depth: PositiveInt = Field(
        default=20,
        description="The largest depth of a document, in fields inside each other, with its fragments expanded.",
    )
    max_fields: PositiveInt = Field(
        default=500,
        description="The largest number of fields in a document.",
    )
    max_aliases: PositiveInt = Field(
        default=100,
        description="The largest number of aliases in a document.",
    )
    max_directives: PositiveInt = Field(
        default=50,
        description="The largest number of directives in a document.",
    )
    max_cost: PositiveInt = Field(
        default=18_000,
        description="The largest cost of a document: the number of fields in its response if every list is as long as"
        " its arguments allow, or as the schema estimates. With the default, the most expensive document "
        "takes about a second of CPU.",
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Splits the value of the environment variable at commas."""
        return [origin.strip() for origin in value.split(",") if origin.strip()] if isinstance(value, str) else value

    @property
    def database(self) -> str:
        """The database's URL; by default, an SQLite file."""
        return self.database_url or f"sqlite://{VAR / 'recourse.db'}"

    @property
    def drain(self) -> float:
        """How long the process announces that it stops before it does, in seconds."""
        if self.drain_seconds is not None:
            return self.drain_seconds
        return DRAIN_SECONDS if self.mode is Mode.PRODUCTION else 0

    @property
    def limits(self) -> Limits:
        return Limits(
            self.max_tokens,
            self.max_depth,
            self.max_fields,
            self.max_aliases,
            self.max_directives,
            self.max_cost,
            self.max_seconds,
            introspection=self.mode is Mode.DEVELOPMENT if self.introspection is None else self.introspection,
            default_page_size=DEFAULT_PAGE_SIZE,
            max_page_size=MAX_PAGE_SIZE,
        )

    @property
    def files(self) -> str:
        """Where the content of files is stored: a folder or s3://BUCKET. By default, a folder beside the database."""
        if self.files_url:
            return self.files_url
        beside = self.database.removeprefix("sqlite://") if self.database.startswith("sqlite:") else VAR / "recourse"
        return f"{Path(beside).with_suffix('')}-files"

    def missing(self) -> list[str]:
        """Returns the variables that this mode requires and that are not set."""
        if self.mode is Mode.DEVELOPMENT:
            return []
        required = ("database_url", "jwks_url", "issuer", "audience")
        return [f"RECOURSE_{name.upper()}" for name in required if getattr(self, name) is None]


def table() -> str:
    """Returns all settings as a Markdown table, for docs/operating.md."""
    lines = ["| variable | what it sets | default |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "–" if field.default in (None, []) else f"`{field.default}`"
        lines.append(f"| `RECOURSE_{name.upper()}` | {field.description} | {default} |")
    return "\n".join(lines)
