"""The generated files that are committed match the code."""

from pathlib import Path

import pytest
from graphql import GraphQLObjectType, build_schema, is_input_object_type, is_interface_type, is_object_type
from graphql.type import GraphQLEnumType, is_enum_type

from models import migrating
from models.config import APPS
from resolvers.rules import markdown
from schema import SCHEMA
from server.cli import generate
from server.settings import table
from tests.conftest import Server
from tests.support.distribution import LONGEST


@pytest.mark.parametrize("name", ["schema.graphql", "docs/policy.md", "README.md", "docs/operating.md"])
def test_a_generated_file_is_current(name: str) -> None:
    assert Path(name).read_text() == generate.current_texts(Path())[name], "run ./recourse generate"


def test_generated_files_repeat_what_the_code_says() -> None:
    assert Path("schema.graphql").read_text() == SCHEMA.as_str() + "\n"
    assert Path("docs/policy.md").read_text() == markdown()
    assert generate.policy_table() in Path("README.md").read_text()
    operating = Path("docs/operating.md").read_text()
    assert table() in operating
    assert generate.metrics_table() in operating
    assert "`recourse_requests_total`" in generate.metrics_table()


def test_migrations(server: Server) -> None:
    assert server.run(lambda: migrating.undeclared_changes(APPS)) == []


def test_everything_is_described() -> None:
    schema = build_schema(SCHEMA.as_str())
    bare: list[str] = []
    for name, each in schema.type_map.items():
        if name.startswith("__") or name in ("ID", "Int", "String", "Boolean", "Float"):
            continue
        if not each.description:
            bare.append(name)
        if is_enum_type(each):
            enum: GraphQLEnumType = each
            bare += [f"{name}.{value}" for value, of in enum.values.items() if not of.description]
        if is_object_type(each) or is_interface_type(each) or is_input_object_type(each):
            fielded: GraphQLObjectType = each  # type: ignore[assignment]
            for field_name, field in fielded.fields.items():
                if not field.description:
                    bare.append(f"{name}.{field_name}")
                for argument, of in getattr(field, "args", {}).items():
                    if not of.description:
                        bare.append(f"{name}.{field_name}({argument})")
    assert bare == []


@pytest.mark.parametrize("lock", ["locks/run.txt", "locks/extras.txt", "locks/dev.txt", "locks/graphql-core.txt"])
def test_locks_carry_hashes_and_no_address(lock: str) -> None:
    text = Path(lock).read_text()
    assert "://" not in text
    assert "--index" not in text
    requirements = text.replace("\\\n", " ").splitlines()
    assert all("--hash=sha256:" in line for line in requirements if line.strip())


@pytest.mark.parametrize("lock", ["tests/clients/package-lock.json", "bench/peers/package-lock.json"])
def test_locks_of_npm_carry_no_address(lock: str) -> None:
    assert "://" not in Path(lock).read_text()


def test_the_longest_test_files_exist() -> None:
    assert [file for file in LONGEST if not Path(file).exists()] == []
