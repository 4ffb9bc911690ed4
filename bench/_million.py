"""A table of ten typed columns such as an agency sends: payments, each with its own code; the same seed, the same bytes."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

REGIONS = ("Абай", "Ақмола", "Ақтөбе", "Алматы", "Атырау", "Жамбыл", "Жетісу", "Қарағанды", "Қостанай", "Маңғыстау")
STATES = ("new", "paid", "refused", "returned")
SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "code", "type": "string", "constraints": {"required": True, "unique": True, "pattern": "[A-Z]{2}[0-9]{10}"}},
        {"name": "bin", "type": "string", "constraints": {"required": True, "minLength": 12, "maxLength": 12}},
        {"name": "region", "type": "string", "constraints": {"enum": list(REGIONS)}, "indexed": True},
        {"name": "state", "type": "string", "constraints": {"enum": list(STATES)}},
        {"name": "amount", "type": "number", "constraints": {"minimum": 0}},
        {"name": "pieces", "type": "integer", "constraints": {"minimum": 0, "maximum": 100000}},
        {"name": "day", "type": "date"},
        {"name": "moment", "type": "datetime"},
        {"name": "purpose", "type": "string"},
        {"name": "checked", "type": "boolean"},
    ],
    "primaryKey": ["code"],
}
WORDS = ("жол жөндеу", "мектеп құрылысы", "субсидия", "сатып алу", "сақтандыру", "көмек көрсету", "байланыс", "қызмет")


START = datetime(2024, 1, 1)


def rows(count: int, seed: int = 1, first: int = 0) -> pa.Table:
    """So many rows as text cells, with codes from number `first` in an order of their own."""
    chance = random.Random(seed)
    numbers = list(range(first, first + count))
    chance.shuffle(numbers)
    moments = [START + timedelta(seconds=chance.randrange(700 * 86_400)) for _ in numbers]
    words = [f"{a}, {b}" for a in WORDS for b in WORDS]
    return pa.table(
        {
            "code": [f"KZ{number:010d}" for number in numbers],
            "bin": [str(chance.randrange(10**11, 10**12)) for _ in numbers],
            "region": chance.choices(REGIONS, k=count),
            "state": chance.choices(STATES, k=count),
            "amount": [f"{n // 100}.{n % 100:02d}" for n in (chance.randrange(1, 10**9) for _ in numbers)],
            "pieces": [str(chance.randrange(100_000)) for _ in numbers],
            "day": [moment.date().isoformat() for moment in moments],
            "moment": [moment.isoformat() for moment in moments],
            "purpose": [f"{chance.choice(words)} № {chance.randrange(10**7)}" for _ in numbers],
            "checked": chance.choices(("true", "false"), k=count),
        }
    )


def write(path: Path, table: pa.Table) -> Path:
    """The rows as CSV."""
    pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="needed"))
    return path
