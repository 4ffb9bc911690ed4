"""The reference page of the settings, generated from the model so that it cannot rot."""

from __future__ import annotations

from typing import Any

from ckanext.kzopen.core.settings.model import Settings

HEAD = """# Settings

Generated from `core/settings/model.py` by `./kzopen check --mend`; a test fails when this page is out of date.
Set them in `kzopen.toml` in the directory you start from, or as environment variables. A variable wins over the file, an
option of the command line over both.

| in kzopen.toml | variable | default | meaning |
|---|---|---|---|
"""


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(value)
    return str(value)


def reference_page() -> str:
    """Markdown: one row a setting, in the model's order."""
    rows = (
        f"| `{name}` | `KZOPEN_{name.upper()}` | {_shown(field.default) or '—'} | {field.description} |"
        for name, field in Settings.model_fields.items()
    )
    return HEAD + "\n".join(rows) + "\n"
