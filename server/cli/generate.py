"""`./recourse generate`: writes what the code says into the committed files that repeat it.

A generated part of a Markdown file stands between two markers, and the rest of the file is left alone:

    <!-- generated: settings -->
    …
    <!-- end of generated -->

`current_texts` returns each file's text as it should be. `generate` writes it; tests/test_current.py compares it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from prometheus_client import REGISTRY, Counter

from resolvers.language import LOCALES, catalogue
from resolvers.rules import markdown
from schema import SCHEMA
from server.cli.catalogues import TRANSLATED, up_to_date
from server.settings import table

_SECTION = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end of generated -->)", re.DOTALL)


def policy_table() -> str:
    """Returns the policy's table, without the text above it."""
    return markdown().split("\n\n")[-1].strip()


def metrics_table() -> str:
    """Returns all of our metrics as a Markdown table."""
    lines = ["| metric | labels | what it counts |", "|---|---|---|"]
    for name, labels, description in _metrics():
        spelled = ", ".join(f"`{label}`" for label in labels) or "–"
        lines.append(f"| `{name}` | {spelled} | {description} |")
    return "\n".join(lines)


def _metrics() -> Iterator[tuple[str, tuple[str, ...], str]]:
    # All modules with metrics are imported: server.app needs them, and the commands need server.app.
    collectors = dict.fromkeys(REGISTRY._names_to_collectors.values())  # pyright: ignore[reportPrivateUsage]
    for collector in collectors:
        name: str = getattr(collector, "_name", "")
        if name.startswith("recourse_"):
            suffix = "_total" if isinstance(collector, Counter) else ""
            yield name + suffix, getattr(collector, "_labelnames"), getattr(collector, "_documentation")  # noqa: B009


SECTIONS: Mapping[str, Callable[[], str]] = {"policy": policy_table, "settings": table, "metrics": metrics_table}


def _with_sections(text: str) -> str:
    return _SECTION.sub(lambda match: f"{match[1]}\n{SECTIONS[match[2]]()}\n\n{match[3]}", text)


def current_texts(home: Path) -> dict[str, str]:
    """Returns the text that each generated file should have, by its path below `home`."""
    whole = {"schema.graphql": SCHEMA.as_str() + "\n", "docs/policy.md": markdown()}
    catalogues = {_path_of(tag): up_to_date(tag) for tag in TRANSLATED}
    sections = {name: _with_sections((home / name).read_text()) for name in ("README.md", "docs/operating.md")}
    return whole | catalogues | sections


def _path_of(tag: str) -> str:
    return str(catalogue(tag).relative_to(LOCALES.parent))


def generate(home: Path) -> list[str]:
    """Writes the files that are not current, and returns their paths."""
    texts = current_texts(home)
    changed = [name for name, text in texts.items() if _text_of(home / name) != text]
    for name in changed:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(texts[name], encoding="utf-8")
    return changed


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
