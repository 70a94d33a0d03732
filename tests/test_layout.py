"""The engines have no import cycles: files in a cycle can be understood only together."""

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ENGINES = ("execution", "server", "models", "resolvers/policy", "resolvers/read", "resolvers/write")
PACKAGES = ("execution", "server", "schema", "models", "resolvers")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for package in PACKAGES for path in (ROOT / package).rglob("*.py")}


@functools.cache
def imports_of(module: str) -> set[str]:
    """Returns the project's modules that a module imports, also under TYPE_CHECKING and inside functions."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            imported |= names & MODULES.keys()
            if names - MODULES.keys():
                imported.add(node.module)
    return (imported & MODULES.keys()) - {module}


def circles(modules: set[str]) -> list[set[str]]:
    """Returns the groups of these modules that import each other, directly or through others."""
    reached: dict[str, set[str]] = {}
    for module in modules:
        seen: set[str] = set()
        left = list(imports_of(module))
        while left:
            other = left.pop()
            if other not in seen:
                seen.add(other)
                left += imports_of(other)
        reached[module] = seen
    groups = (
        {module, *(other for other in modules if other in reached[module] and module in reached[other])}
        for module in modules
        if module in reached[module]
    )
    return [set(group) for group in {frozenset(group) for group in groups}]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_has_no_circle_of_files(engine: str) -> None:
    prefix = engine.replace("/", ".")
    assert circles({module for module in MODULES if module == prefix or module.startswith(f"{prefix}.")}) == []


def test_the_rest_has_one_circle_of_files_at_most() -> None:
    assert len(circles(set(MODULES))) <= 1


def layer_of(module: str) -> str:
    return "policy" if module.startswith("resolvers.policy") else module.split(".")[0]


def test_a_class_name_means_one_thing() -> None:
    """A model, the policy, a row and a GraphQL type may share the name of the thing that they stand for."""
    layers: dict[str, list[str]] = {}
    for module, path in MODULES.items():
        if not module.startswith("models.migrations."):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    layers.setdefault(node.name, []).append(layer_of(module))
    shared = {name: found for name, found in layers.items() if len(found) > 1}
    assert shared
    assert {
        name: found
        for name, found in shared.items()
        if len(set(found)) < len(found) or not {"models", "policy", "resolvers", "schema"}.issuperset(found)
    } == {}
