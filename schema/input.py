"""Turning a resolver's dataclass into an input type, with a description for each of its fields."""

import strawberry


def described(cls: type, description: str, /, *, one_of: bool = False, **fields: str) -> None:
    """Declares `<class name>Input`. Raises KeyError where a field has no description."""
    name = cls.__name__ if cls.__name__.endswith(("Input", "Filter")) else f"{cls.__name__}Input"
    strawberry.input(cls, name=name, description=description, one_of=one_of or None)
    for field in cls.__strawberry_definition__.fields:  # type: ignore[attr-defined]
        field.description = fields[field.python_name]
