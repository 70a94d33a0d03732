"""What can be set from outside, all of it in the environment."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from execution.limits import Limits

HOME = Path(os.environ.get("RECOURSE_HOME", "."))  # the project's folder; the launcher says which
VAR = HOME / "var"  # what the program makes for itself: the development database and the development tokens' secret


DRAIN_SECONDS = 5.0  # in production


class Mode(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Each field is the environment variable RECOURSE_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="RECOURSE_")

    mode: Mode = Field(
        default=Mode.DEVELOPMENT,
        description="`development` or `production`; unless set, `serve` runs in production mode and every other "
        "command in development mode",
    )
    database_url: str | None = Field(
        default=None,
        description="`sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/NAME`, with libpq's parameters "
        "`host` (also a socket's folder), `port`, `sslmode`, `sslrootcert`, `target_session_attrs` (`read-write` finds "
        "the primary among several hosts) and `connect_timeout` (seconds for each host, 3 unless given); in "
        "development `sqlite://var/recourse.db` unless set; needed in production",
    )
    jwks_url: str | None = Field(
        default=None,
        description="where the keys of access tokens are published; needed in production, and for it alone",
    )
    issuer: str | None = Field(default=None, description="what access tokens must name as `iss`; needed in production")
    audience: str | None = Field(
        default=None,
        description="what access tokens must name as `aud`, and nothing else beside it; needed in production",
    )
    files_url: str | None = Field(
        default=None,
        description="where files lie: a folder that all nodes see, or `s3://BUCKET/PREFIX` of an S3-compatible store "
        "(place and credentials by `AWS_…`); unless set a folder beside the database, `var/recourse-files` "
        "for PostgreSQL",
    )
    files_seconds: PositiveFloat = Field(
        default=5,
        description="how long a store of files may take to answer, in seconds; a file has half a second more for each "
        "megabyte. The default leaves a request time to answer when the store hangs",
    )
    public_url: str | None = Field(
        default=None,
        description="the server's own address as clients know it, for the addresses of files and the origin of its own "
        "pages; unless set, taken from each request",
    )
    cors_origins: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="the origins of pages that may ask and watch, like `https://shop.example`, with commas between; "
        "the origin of `RECOURSE_PUBLIC_URL` always may, and in development any page of this machine",
    )
    documents: str | None = Field(
        default=None,
        description="A file of the only documents that may be run: an Apollo manifest, or `{hash: text}` as Relay and "
        "GraphQL Code Generator write it. Unless set, every document may be run.",
    )
    replica_url: str | None = Field(
        default=None,
        description="a replica of the PostgreSQL database, from which queries are read; unless set, all is read where "
        "it is written",
    )
    rate_per_account: str | None = Field(
        default=None,
        description="how often an account may ask, like `600/minute`, or `off`; unless set, so often in production and "
        "without limit in development",
    )
    rate_per_address: str | None = Field(
        default=None,
        description="the same for an address, like `6000/minute`; behind a proxy, uvicorn's own `FORWARDED_ALLOW_IPS` "
        "says whose word for the address is taken",
    )
    rate_store: str = Field(
        default="memory://",
        description="where that is counted: `memory://` by each process for itself, or `redis://HOST:PORT` for all "
        "nodes",
    )
    log_level: Literal["info", "warning", "error"] = Field(
        default="warning", description="`info` logs each request, `warning` and `error` less"
    )
    introspection: bool | None = Field(
        default=None,
        description="whether documents may ask what there is to be asked, and errors may hint at it; unless set, in "
        "development mode only",
    )
    max_seconds: PositiveFloat = Field(
        default=20, description="how long a request may take to come in, and how long to be answered"
    )
    keep_alive_seconds: PositiveFloat = Field(
        default=75,
        description="how long a connection without a request stays open, in seconds; longer than the proxy in front "
        "keeps its own (60 for most), or the proxy sends requests to connections that have just been closed",
    )
    drain_seconds: NonNegativeFloat | None = Field(
        default=None,
        description="how long after SIGTERM `/readyz` says 503 before the port closes, in seconds: as long as the load "
        "balancer takes to notice; unless set, 5 in production and 0 in development. Ctrl-C never waits",
    )
    compression: bool = Field(
        default=True,
        description="whether answers of 1 kB and more are compressed (gzip) for clients that take it; `off` where the "
        "proxy does so",
    )
    compiled: bool = Field(
        default=True,
        description="whether answers are completed by code that is compiled for each operation, where they can be; if "
        "not, graphql-core does it all, with the same answers in more time",
    )
    max_body_bytes: PositiveInt = Field(default=1_000_000, description="how large a request may be, but for files")
    max_tokens: PositiveInt = Field(default=5_000, description="how many words and signs a document may have")
    max_depth: PositiveInt = Field(
        default=20,
        description="how many fields deep a document may be, with its fragments in their places",
    )
    max_fields: PositiveInt = Field(default=500, description="how many fields it may have")
    max_aliases: PositiveInt = Field(default=100, description="how many aliases")
    max_directives: PositiveInt = Field(default=50, description="how many directives")
    max_cost: PositiveInt = Field(
        default=18_000,
        description="what it may cost: the fields of its answer, with every list as long as is asked for, or as "
        "long as the schema takes it to be; by default so much that the worst answer takes a second",
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """In the environment, origins stand between commas."""
        return [origin.strip() for origin in value.split(",") if origin.strip()] if isinstance(value, str) else value

    @property
    def database(self) -> str:
        """The database's URL; in development an SQLite file unless one is named."""
        return self.database_url or f"sqlite://{VAR / 'recourse.db'}"

    @property
    def drain(self) -> float:
        """How long the process says that it is about to stop before it does, in seconds."""
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
        )

    @property
    def files(self) -> str:
        """Where files lie: a folder, or s3://BUCKET. Beside the database unless one is named."""
        if self.files_url:
            return self.files_url
        beside = self.database.removeprefix("sqlite://") if self.database.startswith("sqlite:") else VAR / "recourse"
        return f"{Path(beside).with_suffix('')}-files"

    def missing(self) -> list[str]:
        """The variables that this mode cannot do without and that are not set."""
        if self.mode is Mode.DEVELOPMENT:
            return []
        needed = ("database_url", "jwks_url", "issuer", "audience")
        return [f"RECOURSE_{name.upper()}" for name in needed if getattr(self, name) is None]


def table() -> str:
    """All settings as a Markdown table, for docs/operating.md."""
    lines = ["| variable | what it is | unless set |", "|---|---|---|"]
    for name, each in Settings.model_fields.items():
        unless = "–" if each.default in (None, []) else f"`{each.default}`"
        lines.append(f"| `RECOURSE_{name.upper()}` | {each.description} | {unless} |")
    return "\n".join(lines)
