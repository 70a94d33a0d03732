"""What can be set from outside, all of it in the environment."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import PositiveInt, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from resolvers.limits import Limits

HOME = Path(os.environ.get("RECOURSE_HOME", "."))  # the project's folder; the launcher says which
VAR = HOME / "var"  # what the program makes for itself: the development database and the development tokens' secret


class Mode(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Each field is the environment variable RECOURSE_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="RECOURSE_")

    mode: Mode = Mode.DEVELOPMENT
    database_url: str | None = None
    jwks_url: str | None = None
    issuer: str | None = None
    audience: str | None = None
    files_url: str | None = None
    public_url: str | None = None
    max_depth: int = 20
    max_fields: int = 500
    max_aliases: int = 100
    max_directives: int = 50
    max_cost: int = 25_000
    introspection: bool | None = None
    cors_origins: Annotated[list[str], NoDecode] = []
    documents: str | None = None
    max_body_bytes: PositiveInt = 1_000_000

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
    def limits(self) -> Limits:
        return Limits(
            self.max_depth,
            self.max_fields,
            self.max_aliases,
            self.max_directives,
            self.max_cost,
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
