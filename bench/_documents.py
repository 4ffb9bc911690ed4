"""Documents for benchmarks, in the shape in which CKAN sends them to Solr: real titles, passports of some ten kilobytes.

The code numbers in `notes` are what is searched for: both engines read digits alike, so ids and facets can be compared letter
by letter; all else (Kazakh, Russian) is there to be analysed, stored and carried.
"""

from __future__ import annotations

import csv
import json
import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

LISTS = Path(__file__).resolve().parents[2] / "shared/corpus/catalogue/portal_lists"
SITE = "bench"
FACETS = ("organization", "groups", "tags", "res_format", "license_id", "vocab_category", "dataset_type")
CODES = 5_000
FIRST_CODE = 10_000
_CODES_EACH = 4
_FOR_A_PAGE = 320
"""Code n stands in about `documents` / (12.8 n^(2/3)) documents; with this every code asked for has 25 hits or more."""
_NAMESPACE = uuid.UUID("6f1c1f0e-5a52-4a39-9d0b-0e3f7f1f7a11")
_START = datetime(2020, 1, 1, tzinfo=UTC)
_FORMATS = ("CSV", "XLSX", "JSON", "XML", "PDF", "DOCX", "GeoJSON", "Parquet")
_LICENCES = ("cc-by", "cc-zero", "odc-pddl", "other-open", "notspecified")
_CATEGORIES = tuple(f"category-{n:02d}" for n in range(18))
_ORGANIZATIONS = tuple(f"agency-{n:03d}" for n in range(120))
_GROUPS = tuple(f"theme-{n:02d}" for n in range(25))
_RESOURCES = 5


@cache
def titles() -> list[str]:
    """Titles of the data sets that Kazakhstan's open data portal listed."""
    found: list[str] = []
    for path in sorted(LISTS.glob("by*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            found += [row[0].strip() for row in csv.reader(file) if row and len(row[0]) > 10]
    return found


@cache
def vocabulary() -> list[str]:
    """The words of the titles."""
    return sorted({word for title in titles() for word in title.split()})


def codes(count: int, seed: int, documents: int) -> list[str]:
    """At most `count` code numbers to search for, each once, by chance among those that fill a page in so many documents."""
    filling = [str(FIRST_CODE + n) for n in range(min(CODES, int((documents / _FOR_A_PAGE) ** 1.5)))]
    return random.Random(seed).sample(filling, min(count, len(filling)))


def sources(count: int, start: int = 0) -> Iterator[dict[str, Any]]:
    """The documents from `start` up to `count`, the same ones at every call."""
    known, words = titles(), vocabulary()
    for number in range(start, count):
        yield _source(number, random.Random(number), known, words)


def _source(number: int, chance: random.Random, known: Sequence[str], words: Sequence[str]) -> dict[str, Any]:
    package = _package(number, chance, known, words)
    created, modified = package["metadata_created"] + "Z", package["metadata_modified"] + "Z"
    resources = package["resources"]
    plain = {"data_dict": json.dumps(package), "validated_data_dict": json.dumps(package)}
    given = {name: package[name] for name in ("id", "name", "title", "notes", "license_id", "version", "author", "maintainer")}
    return (
        given
        | plain
        | {
            "index_id": package["id"].replace("-", ""),
            "site_id": SITE,
            "entity_type": "package",
            "dataset_type": package["type"],
            "state": "active",
            "capacity": "public",
            "permission_labels": ["public"] if number % 20 else [f"member-{number % 7}"],
            "title_string": package["title"],
            "organization": package["organization"]["name"],
            "owner_org": package["organization"]["id"],
            "groups": [group["name"] for group in package["groups"]],
            "tags": [tag["name"] for tag in package["tags"]],
            "vocab_category": [package["extras"][0]["value"]],
            "extras_periodicity": package["extras"][1]["value"],
            "res_name": [one["name"] for one in resources],
            "res_description": [one["description"] for one in resources],
            "res_format": sorted({one["format"] for one in resources}),
            "res_url": [one["url"] for one in resources],
            "metadata_created": created,
            "metadata_modified": modified,
        }
    )


def _package(number: int, chance: random.Random, known: Sequence[str], words: Sequence[str]) -> dict[str, Any]:
    """A package dict as `package_show` gives it."""
    identifier = str(uuid.uuid5(_NAMESPACE, str(number)))
    created = _START + timedelta(seconds=chance.randrange(10**8), microseconds=1000)
    some = [str(FIRST_CODE + int(CODES * chance.random() ** 3)) for _ in range(_CODES_EACH)]
    agency = _ORGANIZATIONS[int(len(_ORGANIZATIONS) * chance.random() ** 2)]
    return {
        "id": identifier,
        "name": f"set-{number:06d}",
        "title": chance.choice(known),
        "notes": f"{' '.join(chance.choices(words, k=60))} {' '.join(some)}",
        "type": "dataset" if number % 9 else "harvest",
        "license_id": chance.choice(_LICENCES),
        "version": str(number % 5),
        "author": " ".join(chance.choices(words, k=2)),
        "maintainer": " ".join(chance.choices(words, k=2)),
        "private": False,
        "state": "active",
        "metadata_created": created.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
        "metadata_modified": (created + timedelta(days=number % 400)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
        "organization": {"id": str(uuid.uuid5(_NAMESPACE, agency)), "name": agency, "title": agency, "is_organization": True},
        "groups": [{"name": name, "title": name} for name in sorted({chance.choice(_GROUPS) for _ in range(2)})],
        "tags": [
            {"name": name, "state": "active"} for name in sorted({f"tag {int(900 * chance.random() ** 2)}" for _ in range(4)})
        ],
        "extras": [
            {"key": "category", "value": chance.choice(_CATEGORIES)},
            {"key": "periodicity", "value": chance.choice(("yearly", "monthly", "daily"))},
        ],
        "resources": [_resource(identifier, place, chance, known, words) for place in range(_RESOURCES)],
    }


def _resource(package: str, place: int, chance: random.Random, known: Sequence[str], words: Sequence[str]) -> dict[str, Any]:
    identifier = str(uuid.uuid5(_NAMESPACE, f"{package}-{place}"))
    return {
        "id": identifier,
        "package_id": package,
        "position": place,
        "name": chance.choice(known),
        "description": " ".join(chance.choices(words, k=12)),
        "format": chance.choice(_FORMATS),
        "url": f"https://data.example.org/{package}/{identifier}",
        "state": "active",
        "size": chance.randrange(10**8),
        "hash": f"{chance.getrandbits(256):064x}",
        "last_modified": "2024-02-29T10:30:00.782000",
    }
