"""Errors as data, with a sentence in each language."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.core.web import KzError, errors
from ckanext.kzopen.core.web.problem import as_dict, of_status, title, wanted_language
from ckanext.kzopen.core.yaml_source import SourceError


def test_an_error_is_a_code_parameters_and_a_status() -> None:
    error = KzError("web.too_large", limit=15_000_000)
    assert (error.code, error.params, error.status) == ("web.too_large", {"limit": 15_000_000}, 413)


def test_its_sentence_is_told_in_the_readers_language_and_form() -> None:
    error = KzError("web.too_large", limit=15_000_000)
    assert [error.text(language) for language in ("kk", "ru", "en", "de")] == [
        "Сұраныс тым үлкен: рұқсат етілгені – 15\xa0МБ.",
        "Запрос слишком велик: допустимо 15\xa0МБ.",
        "The request is too large: 15\xa0MB is allowed.",
        "The request is too large: 15\xa0MB is allowed.",
    ]


def test_a_parameter_may_be_a_multilingual_text() -> None:
    error = KzError("states.wrong_state", transition={"kk": "Жабу", "ru": "Закрыть"}, state={"kk": "Келді", "ru": "Получено"})
    assert error.text("ru") == "Действие «Закрыть» невозможно: текущее состояние – «Получено»."


def test_braces_of_a_visitor_are_only_text() -> None:
    assert KzError("client.bad_address", address="{0.__class__}").text("en") == "This address cannot be called: {0.__class__}"


def test_an_unknown_code_fails_where_it_is_made() -> None:
    with pytest.raises(LookupError, match=r"no errors\.yaml that is loaded has the code web\.nothing"):
        KzError("web.nothing")


def test_a_missing_parameter_fails_where_the_error_is_made() -> None:
    with pytest.raises(TypeError, match=r"the error web\.too_large needs limit"):
        KzError("web.too_large")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("a.b:\n  kk: а\n  ru: а\n", r"errors\.yaml:1: a\.b\.en: Field required"),
        ("a.b:\n  kk: а\n  ru: ''\n  en: a\n", r"errors\.yaml:3: a\.b has no sentence in ru"),
        ("a.b:\n  kk: 'а {n}'\n  ru: 'а {m}'\n  en: 'a {n}'\n", r"errors\.yaml:3: a\.b: the placeholders in ru are not"),
        ("a.b:\n  status: 200\n  kk: а\n  ru: а\n  en: a\n", r"errors\.yaml:2: a\.b\.status: .*greater than or equal to 400"),
    ],
)
def test_a_table_with_a_gap_is_refused(tmp_path: Path, table: str, message: str) -> None:
    path = tmp_path / "errors.yaml"
    path.write_text(table)
    with pytest.raises(SourceError, match=message):
        errors.load(path)


def test_every_error_of_the_product_can_be_told_in_every_language() -> None:
    samples = {"problems": ["a"], "limit": 1, "seconds": 1, "since": date(2026, 1, 1)}
    assert len(errors.codes()) > 20
    for code in errors.codes():
        template = errors.template(code)
        assert template is not None
        params = {name: samples.get(name, 1) for name in template.placeholders("en")}
        sentences = {KzError(code, **params).text(language) for language in LANGUAGES}
        assert len(sentences) == 3, code


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("ru", "ru"),
        ("ru-KZ,ru;q=0.9,en;q=0.8", "ru"),
        ("de,en;q=0.5", "en"),
        ("de", "kk"),
        ("", "kk"),
        ("en;q=0.3,ru;q=0.7", "ru"),
        ("ru;q=0,en", "en"),
        ("kz", "kk"),
        (";;;q=", "kk"),
    ],
)
def test_the_language_is_the_callers(header: str, language: str) -> None:
    assert wanted_language(header) == language


def test_a_problem_object_tells_people_and_programs() -> None:
    assert as_dict(KzError("web.too_many_requests", seconds=30), "ru", {"retry": 30}) == {
        "type": "/problems/web.too_many_requests",
        "title": "Слишком много запросов",
        "status": 429,
        "detail": "Слишком много запросов. Повторите через 30 с.",
        "code": "web.too_many_requests",
        "params": {"seconds": 30},
        "retry": 30,
    }


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, "web.not_found"),
        (403, "web.not_allowed"),
        (418, "web.bad_request"),
        (500, "web.internal"),
        (503, "web.unavailable"),
    ],
)
def test_a_status_without_words_of_its_own_gets_general_ones(status: int, code: str) -> None:
    assert of_status(status).code == code
    assert title(status, "ru")
