"""A document's hash: equal for equal things, so that one computed anew is known to be as it was."""

from __future__ import annotations

import json
import random

from ckanext.kzopen.search import document

from tests.search.conftest import SITE, source


def test_the_order_in_which_the_database_gives_extras_changes_nothing() -> None:
    extras = {
        "category": "statistics",
        "periodicity": "AS_NEEDED",
        "notes_translated": json.dumps({"kk": "Ақауларды сынау", "ru": "Проверка отказов"}),
        "title_translated": json.dumps({"kk": "Кесте", "ru": "Таблица"}),
    }
    found = set()
    for seed in range(10):
        names = random.Random(seed).sample(sorted(extras), len(extras))
        package = json.dumps({"name": "a", "extras": [{"key": name, "value": extras[name]} for name in names]})
        given = {f"extras_{name}": extras[name] for name in names} | {name: extras[name] for name in names}
        made = document.from_solr(source("a", **given, data_dict=package, validated_data_dict=package), SITE)
        found.add((made.hash, json.dumps(made.fields, sort_keys=True)))
    assert len(found) == 1


def test_another_value_is_another_document() -> None:
    assert len({document.from_solr(source("a", extras_category=value), SITE).hash for value in ("x", "y", "")}) == 3
