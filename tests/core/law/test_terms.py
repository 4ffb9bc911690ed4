"""Terms of law and the days on which they end."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from ckanext.kzopen.core.law import due, load_terms, terms
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.core.yaml_source import SourceError

LABEL = "label: {kk: мерзім, ru: срок, en: term}"
SOURCES = "sources:\n  law: {kk: заң, ru: закон, en: law}\n"


def written(folder: Path, periods: str, on_change: str = "old") -> Path:
    path = folder / "terms.yaml"
    path.write_text(f"{SOURCES}terms:\n  test.term:\n    {LABEL}\n    on_change: {on_change}\n    periods:\n{periods}")
    return path


@pytest.mark.parametrize(
    ("term", "start", "last"),
    [
        ("appeal.answer", date(2026, 3, 5), date(2026, 4, 1)),
        ("appeal.redirect", date(2026, 3, 5), date(2026, 3, 11)),
        ("appeal.redirect", date(2024, 5, 1), date(2024, 5, 4)),
        ("discussion.public_service", date(2026, 9, 1), date(2026, 9, 15)),
        ("appeal.extension", date(2026, 3, 9), date(2026, 5, 12)),
        ("appeal.extension", date(2026, 12, 31), date(2027, 3, 1)),
        ("data_request.answer", date(2024, 4, 26), date(2024, 5, 13)),
    ],
)
def test_a_term_ends_on_its_day(term: str, start: date, last: date) -> None:
    assert due(term, start).date == last


def test_a_term_in_days_ends_at_midnight_in_astana() -> None:
    assert due("appeal.redirect", date(2026, 3, 5)).moment == datetime(2026, 3, 12, tzinfo=ASTANA)


def test_the_start_is_the_day_in_astana_not_in_greenwich() -> None:
    late = datetime(2026, 9, 1, 20, 30, tzinfo=UTC)  # 1.30 on 2 September in Astana
    assert due("appeal.redirect", late).start == date(2026, 9, 2)


def test_a_term_in_hours_runs_by_the_clock() -> None:
    deadline = due("discussion.online", datetime(2026, 9, 13, 23, 30, tzinfo=ASTANA))
    assert deadline.moment == datetime(2026, 9, 14, 0, 30, tzinfo=ASTANA)
    assert deadline.skipped == ()


def test_a_deadline_explains_itself_in_three_languages() -> None:
    deadline = due("appeal.redirect", date(2026, 3, 5))
    assert deadline.explanation == {
        "kk": "Басталуы: 2026\xa0ж. 5 наурыз; бұл күн есептелмейді. "
        "Мерзімі: 3 жұмыс күні (Әкімшілік рәсімдік-процестік кодекс, № 350-VI, 76-бап). "
        "Есепке кірмеген күндер: 07.03.2026 (сенбі), 08.03.2026 (Халықаралық әйелдер күні), "
        "09.03.2026 (Халықаралық әйелдер күні (ауыстырылған демалыс)). "
        "Соңғы күні: 2026\xa0ж. 11 наурыз, сағат 24:00-ге дейін (Астана уақыты).",
        "ru": "Начало: 5 марта 2026\xa0г.; этот день не считается. "
        "Срок: 3 рабочих дня (Административный процедурно-процессуальный кодекс № 350-VI, ст. 76). "
        "Не считаются: 07.03.2026 (суббота), 08.03.2026 (Международный женский день), "
        "09.03.2026 (Международный женский день (перенос выходного)). "
        "Последний день: 11 марта 2026\xa0г., до 24:00 по времени Астаны.",
        "en": "Start: 5 March 2026; this day does not count. "
        "Term: 3 working days (Administrative Procedural Code No. 350-VI, art. 76). "
        "Days that do not count: 7 Mar 2026 (Saturday), 8 Mar 2026 (International Women's Day), "
        "9 Mar 2026 (International Women's Day (observed)). "
        "Last day: 11 March 2026, until 24:00 Astana time.",
    }


def test_an_unverified_term_says_so() -> None:
    deadline = due("discussion.draft_act", date(2026, 9, 1))
    assert not deadline.verified
    assert deadline.explanation["ru"].endswith("Срок не сверен с текстом закона.")


def test_a_verified_term_over_an_unconfirmed_holiday_is_unverified() -> None:
    deadline = due("appeal.redirect", date(2026, 5, 25))
    assert not deadline.verified
    assert deadline.explanation["ru"].endswith("Срок не сверен с текстом закона.")


def test_values_not_read_in_the_law_are_marked_so() -> None:
    unverified = {name for name, term in terms().items() if not term.periods[0].verified}
    assert {"discussion.draft_act", "discussion.public_council", "discussion.report", "appeal.complaint"} <= unverified
    assert unverified.isdisjoint({"appeal.answer", "appeal.extension", "appeal.redirect", "discussion.public_service"})


def test_before_its_first_law_a_term_is_not_known() -> None:
    with pytest.raises(LookupError, match=r"appeal\.answer has no period in force on 2020-01-01"):
        due("appeal.answer", date(2020, 1, 1))


TWO = (
    "      - {length: 3, unit: working_days, until: 2026-09-03, source: law, verified: yes}\n"
    "      - {length: 10, unit: working_days, since: 2026-09-03, source: law, verified: yes}\n"
)


@pytest.mark.parametrize(("on_change", "last"), [("old", date(2026, 9, 4)), ("longer", date(2026, 9, 15))])
def test_a_running_term_follows_its_rule_when_the_law_changes(tmp_path: Path, on_change: str, last: date) -> None:
    term = load_terms(written(tmp_path, TWO, on_change))["test.term"]
    assert due(term, date(2026, 9, 1)).date == last


def test_a_term_that_ends_before_the_change_is_not_touched(tmp_path: Path) -> None:
    term = load_terms(written(tmp_path, TWO, "longer"))["test.term"]
    assert due(term, date(2026, 8, 24)).date == date(2026, 8, 27)


@pytest.mark.parametrize(
    ("periods", "message"),
    [
        (
            "      - {length: 3, unit: weeks, source: law, verified: yes}\n",
            r"terms\.yaml:8: terms\..*\.periods\.0\.unit",
        ),
        ("      - {length: 0, unit: hours, source: law, verified: yes}\n", r"terms\.yaml:8: .*greater than or equal to 1"),
        ("      - {length: 3, unit: hours, source: decree, verified: no}\n", r"terms\.yaml:8: there is no source 'decree'"),
        (
            "      - {length: 3, unit: hours, source: law, verified: no}\n"
            "      - {length: 4, unit: hours, since: 2020-01-01, source: law, verified: no}\n",
            r"two periods of test\.term are in force at once",
        ),
    ],
)
def test_a_mistake_in_the_terms_is_told_with_its_line(tmp_path: Path, periods: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        load_terms(written(tmp_path, periods))
