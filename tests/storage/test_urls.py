"""Database URLs, with the same meaning as in PostgreSQL's own libraries."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from models.backends.hosts import CONNECT_SECONDS, connect_outside_pool
from models.config import tortoise_config
from tests.conftest import Server, on_postgres

HOME = "postgres://u:p@db"


def named(url: str) -> Any:
    return tortoise_config(url)["connections"]["default"]["credentials"]["hosts"]


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("postgres://u:p@db.example/shop", [("db.example", 5432)]),
        ("postgresql://u:p@db.example:6432/shop", [("db.example", 6432)]),
        ("postgres:///shop", [("localhost", 5432)]),
        ("postgres://a,b/shop", [("a", 5432), ("b", 5432)]),
        ("postgres://u:p%40w@a:1,b:2,c/shop", [("a", 1), ("b", 2), ("c", 5432)]),
        ("postgres://a,b/shop?port=6432", [("a", 6432), ("b", 6432)]),
        ("postgres://a:1,b/shop?port=6432", [("a", 1), ("b", 6432)]),
        ("postgres://a,b/shop?port=1,2", [("a", 1), ("b", 2)]),
        ("postgres://u@[::1]:6432/shop", [("::1", 6432)]),
        ("postgres://u@[::1]/shop", [("::1", 5432)]),
        ("postgres://u@10.0.0.1:5433/shop", [("10.0.0.1", 5433)]),
        ("postgres://u@/shop?host=/run/postgresql", [("/run/postgresql", 5432)]),
        ("postgres://u@/shop?host=/run/postgresql&port=6432", [("/run/postgresql", 6432)]),
        ("postgres://u@/shop?host=/run/a,/run/b", [("/run/a", 5432), ("/run/b", 5432)]),
        ("postgres://u@%2Frun%2Fpostgresql/shop", [("/run/postgresql", 5432)]),
        ("postgres://u@a/shop?host=b", [("b", 5432)]),
    ],
)
def test_the_hosts_of_a_url_are_read(url: str, addresses: list[tuple[str, int]]) -> None:
    assert named(url).addresses == addresses


def test_the_parameters_of_a_url_are_read(tmp_path: Path) -> None:
    certificate = tmp_path / "root.crt"
    certificate.touch()
    said = named(
        f"{HOME}?target_session_attrs=read-write&connect_timeout=7&sslmode=verify-full&sslrootcert={certificate}"
    )
    assert (said.session, said.seconds) == ("read-write", 7)
    assert "sslmode=verify-full" in said.dsn
    assert "sslrootcert=" in said.dsn
    assert (named(HOME).session, named(HOME).seconds, named(HOME).dsn) == ("any", CONNECT_SECONDS, None)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u@db/shop",
        "sqlite://",
        "sqlite://x.db?sslmode=require",
        f"{HOME}?application_name=x",
        f"{HOME}?options=-c%20statement_timeout%3D0",
        f"{HOME}?sslmode=sometimes",
        f"{HOME}?sslrootcert=/nowhere/root.crt",
        f"{HOME}?target_session_attrs=leader",
        f"{HOME}?connect_timeout=0",
        f"{HOME}?connect_timeout=-1",
        f"{HOME}?connect_timeout=soon",
        f"{HOME}?connect_timeout=1.5",
        f"{HOME}?port=0",
        f"{HOME}?port=65536",
        f"{HOME}?port=1,2",
        "postgres://u@a,b,c/shop?port=1,2",
        "postgres://u@db:x/shop",
        "postgres://u@db:99999/shop",
        "postgres://u@a,,b/shop",
        "postgres://u@a:1:2/shop",
    ],
)
def test_urls_that_make_no_sense_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|sslmode|sslrootcert|target_session_attrs|connect_timeout|hosts"):
        tortoise_config(url)


@pytest.mark.parametrize("password", ["secret/x", "secret?x", "secret#x", "a:secret/x", "[secret/x"])
def test_a_password_that_is_not_encoded_is_not_repeated(password: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        tortoise_config(f"postgres://u:{password}@db/shop")
    assert "secret" not in str(refused.value)


@on_postgres
def test_of_several_hosts_one_that_serves_is_found_and_remembered(server: Server) -> None:
    folder = server.settings.database.partition("host=")[2]
    several = server.settings.database.replace(f"host={folder}", f"host=/nowhere,localhost,{folder}&port=1")
    several = several.replace("port=1", "port=1,1,5432") + "&target_session_attrs=read-write"

    class Client:
        hosts = named(several)
        user, password = "postgres", None
        database = server.settings.database.partition("?")[0].rpartition("/")[2]

    async def connect() -> int:
        connection = await connect_outside_pool(Client)
        found: int = await connection.fetchval("SELECT 1")
        await connection.close()
        return found

    assert asyncio.run(connect()) == 1
    assert Client.hosts.addresses[0] == (folder, 5432)


def test_without_a_host_that_serves_the_error_names_them() -> None:
    class Client:
        hosts = named("postgres://u@127.0.0.1:1,127.0.0.1:2/x")
        user, password, database = "u", None, "x"

    with pytest.raises(ConnectionError, match=r"127\.0\.0\.1:1, 127\.0\.0\.1:2"):
        asyncio.run(connect_outside_pool(Client))
