"""How long events are kept, by rules in YAML."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from ckanext.kzopen.core.record import events, keeping, sealing, write_event
from ckanext.kzopen.core.record.keys import Key
from ckanext.kzopen.core.record.tables import Leaf
from ckanext.kzopen.core.yaml_source import SourceError
from sqlalchemy import select, text
from sqlalchemy.orm import Session

TODAY = date(2026, 3, 5)
RULES = """
sources:
  act: {kk: Заң, ru: Закон, en: Act}
rules:
  - name: reads
    label: {kk: Қарау, ru: Просмотр, en: Reads}
    verbs: [read]
    periods:
      - {length: 12, unit: months, until: 2025-01-01, source: act, verified: no}
      - {length: 36, unit: months, since: 2025-01-01, source: act, verified: no}
  - name: rest
    label: {kk: Басқасы, ru: Прочее, en: Rest}
    keep: always
"""


def rules(folder: Path, content: str = RULES) -> tuple[keeping.Rule, ...]:
    path = folder / "keeping.yaml"
    path.write_text(content)
    return keeping.load_rules(path)


def write(log: Session, verb: str, at: datetime) -> int:
    return write_event(log, kind="test", object_id="a", verb=verb, actor="user-1", at=at)


@pytest.fixture
def three(log: Session, key: Key) -> list[int]:
    """A read that is past, one that is not, and an old event of another kind; all sealed."""
    days = [("read", datetime(2023, 3, 4, tzinfo=UTC)), ("read", datetime(2023, 3, 5, tzinfo=UTC))]
    numbers = [write(log, verb, at) for verb, at in [*days, ("change", datetime(2020, 1, 1, tzinfo=UTC))]]
    sealing.seal(log)
    log.commit()
    return numbers


def test_first_is_shown_what_would_be_deleted(log: Session, three: list[int], tmp_path: Path) -> None:
    assert keeping.past(log, TODAY, rules(tmp_path)) == [keeping.Past("reads", datetime(2023, 3, 5, tzinfo=UTC), 1)]
    assert [event.id for event in events(log)] == three


def test_only_what_is_past_is_deleted_and_a_leaf_tells_of_it(
    log: Session, three: list[int], tmp_path: Path, verify: Callable[..., list[str]]
) -> None:
    assert [past.count for past in keeping.delete_past(log, TODAY, rules(tmp_path))] == [1]
    log.commit()
    assert [event.id for event in events(log)] == three[1:]
    told = log.scalars(select(Leaf.record).where(Leaf.kind == "record.keeping")).one()
    ids = f"{{[{three[0]},{three[0] + 1})}}"
    assert told == {"rule": "reads", "before": "2023-03-05T00:00:00+00:00", "count": 1, "ids": ids}
    assert verify() == []
    assert [past.count for past in keeping.delete_past(log, TODAY, rules(tmp_path))] == [0]


def test_the_period_in_force_today_counts(log: Session, three: list[int], tmp_path: Path) -> None:
    assert keeping.past(log, date(2024, 12, 31), rules(tmp_path))[0].before == datetime(2023, 12, 31, tzinfo=UTC)


def test_a_deletion_that_no_leaf_tells_of_is_found(log: Session, three: list[int], verify: Callable[..., list[str]]) -> None:
    log.execute(
        text("INSERT INTO kzopen.event_deleted SELECT id, 'x'::bytea FROM kzopen.event WHERE id = :id"), {"id": three[0]}
    )
    log.execute(text("DELETE FROM kzopen.event WHERE id = :id"), {"id": three[0]})
    found = verify()
    assert f"event {three[0]} was deleted, and no leaf tells of it" in found


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("    keep: always", "    verbs: [write]\n    keep: always", "the last rule must fit every event"),
        ("    keep: always\n", "", "rest needs either 'keep: always' or periods"),
        ("length: 36, unit: months", "length: 36, unit: hours", "keeping.yaml:10: a period is told in months"),
        ("since: 2025-01-01, source: act", "since: 2025-01-01, source: law", "keeping.yaml:10: a period is told in months"),
    ],
)
def test_a_mistake_in_the_rules_is_named(old: str, new: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=sentence):
        rules(tmp_path, RULES.replace(old, new))


def test_the_rules_of_the_product_are_right() -> None:
    assert keeping.rules()[-1].keep == "always"
