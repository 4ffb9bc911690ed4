"""Whether our YAML can be read: law, states, terms, calendars and the tables of error texts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from ckanext.kzopen.core.law.calendar import load_calendar
from ckanext.kzopen.core.law.states import check_terms, load_machine
from ckanext.kzopen.core.law.terms import load_terms
from ckanext.kzopen.core.record.keeping import load_rules
from ckanext.kzopen.core.web import errors
from ckanext.kzopen.core.yaml_source import SourceError
from ckanext.kzopen.publishing import keeping
from ckanext.kzopen.rows import thinning
from ckanext.kzopen.runtime.scanning import Finding, files_of, told
from ckanext.kzopen.search import synonyms


def broken_tables(root: Path) -> list[Finding]:
    """Mistakes in our YAML: law, states, terms, calendars, error texts; and files that are no YAML at all."""
    names = [name for name in files_of(root) if name.endswith((".yaml", ".yml"))]
    return [finding for name in names for finding in _broken(root, name)]


def _broken(root: Path, name: str) -> Iterator[Finding]:
    path = root / name
    try:
        yaml.safe_load(path.read_text(encoding="utf-8"))
        if name.startswith("schemas/states/"):
            check_terms(load_machine(path), path, load_terms())
        elif name == "schemas/terms.yaml":
            load_terms()
        elif name == "schemas/keeping.yaml":
            load_rules(path)
        elif name.startswith("schemas/words/"):
            synonyms.check(path)
        elif name == "schemas/versions.yaml":
            thinning.load_rules(path)
        elif name == "schemas/deliveries.yaml":
            keeping.load_rules(path)
        elif name.startswith("schemas/calendars/"):
            load_calendar(path)
        elif path.name == "errors.yaml":
            errors.load(path)
    except SourceError as error:
        yield from (Finding(name, line, sentence) for line, sentence in error.mistakes)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        yield Finding(name, 0, f"is not YAML: {error}")


if __name__ == "__main__":
    sys.exit(told(broken_tables(Path.cwd())) or 0)
