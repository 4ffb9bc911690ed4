"""What every answer of the running application carries, and the addresses for the operator."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit as tk
from ckan.tests import factories
from ckanext.kzopen.core.web import KzError, health, metrics, no_room
from ckanext.kzopen.core.web.requests import answer_of_error
from flask import Blueprint, Flask
from flask_wtf.csrf import CSRFError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import (
    BadRequestKeyError,
    Conflict,
    RequestedRangeNotSatisfiable,
    RequestEntityTooLarge,
    TooManyRequests,
)
from werkzeug.routing import Map

TOKEN = "a-token-for-the-tests"


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(tk.config, "kzopen.metrics_token", TOKEN)
    return TOKEN


@pytest.fixture
def failing(app: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Paths that raise what an action may raise: `/api/failing/<what>` and `/failing/<what>`; gone after the test."""
    raised = {
        "ours": KzError("web.too_large", limit=1000),
        "rights": tk.NotAuthorized("no"),
        "gone": tk.ObjectNotFound("no"),
        "late": KzError("web.not_found"),
        "input": tk.ValidationError({"name": ["Missing value"]}),
        "large": RequestEntityTooLarge(),
        "often": TooManyRequests(retry_after=5),
        "form": BadRequestKeyError("name"),
        "range": RequestedRangeNotSatisfiable(),
        "csrf": CSRFError("The CSRF token is missing."),
        "words": Conflict("Someone was faster."),
    }

    def fail(what: str) -> str:
        if what == "late":
            tk.render("home/about.html")
        raise raised[what]

    flask_app: Flask = app.flask_app
    known = flask_app.url_map
    copied = Map([rule.empty() for rule in known.iter_rules()], converters=known.converters)
    monkeypatch.setattr(flask_app, "url_map", copied)
    monkeypatch.setattr(flask_app, "view_functions", dict(flask_app.view_functions))
    monkeypatch.setattr(flask_app, "blueprints", dict(flask_app.blueprints))
    blueprint = Blueprint("failing", __name__)
    blueprint.add_url_rule("/api/failing/<what>", "api", fail)
    blueprint.add_url_rule("/failing/<what>", "page", fail)
    with monkeypatch.context() as before_its_first_request:
        before_its_first_request.setattr(flask_app, "_got_first_request", False)
        flask_app.register_blueprint(blueprint)
    return "failing"


def test_the_process_is_alive_whatever_else_is_not(app: Any) -> None:
    response = app.get("/healthz")
    assert (response.status_code, response.get_data(as_text=True)) == (200, "ok\n")


def test_all_that_is_needed_answers(app: Any) -> None:
    response = app.get("/readyz")
    assert (response.status_code, response.json) == (200, {"ready": True, "missing": []})


def test_what_does_not_answer_is_named_without_hosts(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(health.CHECKS, "redis", lambda: False)
    response = app.get("/readyz", status=503)
    assert response.json == {"ready": False, "missing": ["redis"]}


def test_a_database_that_is_away_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import create_engine

    monkeypatch.setattr(model.meta, "engine", create_engine("postgresql://nobody@127.0.0.1:1/none"))
    assert health.missing() == ["database"]
    rows = metrics.Asked()
    assert rows("SELECT 1") == []
    monkeypatch.undo()
    assert rows("SELECT 1") == [], "a scrape asks a database that is away once"
    assert metrics.Asked()("SELECT 1") == [(1,)]


def test_a_thread_whose_connection_died_answers_the_next_request(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies() -> str:
        backend = model.Session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with model.meta.engine.begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:backend)"), {"backend": backend})
        return str(model.Session.execute(text("SELECT 1")).scalar_one())

    client = app.flask_app.test_client()
    with monkeypatch.context() as broken:
        broken.setitem(app.flask_app.view_functions, "home.about", dies)
        broken.setattr(no_room, "told", lambda _error: dies())  # not even what tells of the error can be made
        with pytest.raises(DBAPIError):
            client.get("/about")
    assert client.get("/api/3/action/package_list").status_code == 200


@pytest.mark.parametrize(("language", "sentence"), [("kk", "жоқ"), ("ru", "нет"), ("en", "There is no such page")])
def test_an_address_of_no_api_is_told_as_a_problem(app: Any, language: str, sentence: str) -> None:
    answer = app.get("/api/universal/v1/dataset", headers={"Accept-Language": language}, status=404)
    assert answer.content_type == "application/problem+json"
    assert (answer.json["code"], answer.json["status"]) == ("web.not_found", 404)
    assert sentence in answer.json["detail"]


def test_a_method_that_an_api_does_not_take_is_told_with_those_that_it_takes(app: Any) -> None:
    answer = app.post("/api/search/v1/openapi.json", status=405)
    assert (answer.json["code"], answer.json["title"]) == ("web.method_not_allowed", "Мұндай әдіс қабылданбайды")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("what", "status", "title", "detail"),
    [
        ("large", 413, "Тым үлкен", "Жіберілген деректер бұл мекенжай қабылдайтын көлемнен асады."),
        ("often", 429, "Сұраныс тым көп", "Сұраныс тым көп. Біраз күтіп, қайталаңыз."),
        ("range", 416, "Қате сұраныс", "Сұраныс түсініксіз."),
        (
            "csrf",
            400,
            "Қате сұраныс",
            "Форманың мерзімі өтіп кетті, сондықтан жіберілгені сақталған жоқ. Бетті жаңартып, қайта жіберіңіз.",
        ),
        ("form", 400, "Қате сұраныс", "Сұраныс түсініксіз."),
        ("words", 409, "Қайшылық", "Someone was faster."),
    ],
)
def test_a_status_is_told_with_its_number_and_our_words_or_those_that_were_given(
    app: Any, failing: str, what: str, status: int, title: str, detail: str
) -> None:
    answer = app.get(f"/api/{failing}/{what}", status=status)
    assert {name: answer.json[name] for name in ("status", "title", "detail")} == {
        "status": status,
        "title": title,
        "detail": detail,
    }
    assert answer.headers.get("Retry-After") == ("5" if what == "often" else None)


def test_what_nobody_has_foreseen_is_told_without_its_words(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    with app.flask_app.test_request_context("/api/search/v1", headers={"Accept-Language": "ru"}):
        answer: Any = answer_of_error(KeyError("secret"))
    assert (answer.status_code, answer.json["code"]) == (500, "web.internal")
    assert "secret" not in answer.get_data(as_text=True)
    assert "KeyError: 'secret'" in caplog.text
    assert {one.name for one in caplog.records if one.exc_info} == {app.flask_app.logger.name}, "its handler sends mail"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("kk", "Бұл мекенжай мұндай әдісті"), ("ru", "Этот адрес не принимает"), ("en", "This address does not take")],
)
def test_an_error_page_has_our_sentence_in_the_language_of_its_address(app: Any, language: str, sentence: str) -> None:
    page = app.post(f"/{language}/about", headers={"Accept": "text/html"}, status=405).get_data(as_text=True)
    assert sentence in page
    assert "not allowed for the requested URL" not in page


def test_a_slow_database_lets_a_scrape_end_in_time(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_ONE_WITHIN", 0.2)
    monkeypatch.setattr(metrics, "_ALL_WITHIN", 0.5)
    rows, began = metrics.Asked(), time.monotonic()
    assert [rows("SELECT pg_sleep(5)") for _ in range(5)] == [[]] * 5
    assert time.monotonic() - began < 2
    assert rows("SELECT 1") == [], "its time is over"
    patient = metrics.Asked()
    assert (patient("SELECT nonsense FROM nowhere"), patient("SELECT 1")) == ([], [(1,)]), "one wrong question is no reason"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        (f"Bearer {TOKEN}", 200),
        ("Basic " + base64.b64encode(f"prometheus:{TOKEN}".encode()).decode(), 200),
        ("Basic " + base64.b64encode(b"prometheus:wrong").decode(), 401),
        ("Basic !", 401),
        (TOKEN, 401),
    ],
)
def test_figures_are_for_holders_of_the_token(app: Any, token: str, header: str | None, status: int) -> None:
    assert app.get("/metrics", headers={"Authorization": header} if header else {}, status=status).status_code == status


def test_without_a_token_there_are_no_figures(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tk.config, "kzopen.metrics_token", "")
    app.get("/metrics", headers={"Authorization": "Bearer "}, status=404)


def test_requests_are_counted_by_route(app: Any, token: str) -> None:
    app.get("/api/3/action/status_show")
    app.get("/problems/a", status=404)
    text = app.get("/metrics", headers={"Authorization": f"Bearer {token}"}).get_data(as_text=True)
    assert 'kzopen_requests_total{method="GET",route="api.action",status="200"}' in text
    assert 'kzopen_requests_total{method="GET",route="kzopen_problems.show",status="404"}' in text
    assert 'kzopen_request_seconds_bucket{le="0.25",method="GET",route="api.action"}' in text
    assert "# TYPE kzopen_outbox_lag_seconds gauge" in text
    assert "# TYPE kzopen_jobs gauge" in text


def test_every_answer_carries_security_headers(app: Any) -> None:
    headers = app.get("/api/3/action/status_show").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert len(headers["X-Request-ID"]) == 32


@pytest.mark.parametrize(("given", "kept"), [("abc123", True), ("a\tb", False), ("x" * 65, False), ("ә", False)])
def test_a_number_that_a_proxy_gave_is_kept_when_it_is_plain(app: Any, given: str, kept: bool) -> None:
    headers = {"X-Request-ID": given.encode().decode("latin-1")}
    assert (app.get("/problems", headers=headers).headers["X-Request-ID"] == given) is kept


def test_no_cache_keeps_what_a_signed_in_person_sees(app: Any) -> None:
    assert "no-store" not in app.get("/problems").headers["Cache-Control"]
    user = factories.UserWithToken(password="walnut-harbour-velvet", about="")
    cache = app.get("/problems", headers={"Authorization": user["token"]}).headers["Cache-Control"]
    assert "no-store" in cache
    assert "private" in cache


@pytest.mark.parametrize(
    ("what", "status", "detail"),
    [
        ("ours", 413, "Запрос слишком велик: допустимо 1\xa0КБ."),
        ("rights", 401, "Для этого действия нужно войти в систему."),
        ("gone", 404, "Такой страницы или записи нет."),
    ],
)
def test_a_program_is_told_an_error_as_a_problem_in_its_language(
    app: Any, failing: str, what: str, status: int, detail: str
) -> None:
    response = app.get(f"/api/{failing}/{what}", headers={"Accept-Language": "ru-KZ,ru;q=0.9"}, status=status)
    assert response.content_type == "application/problem+json"
    assert response.headers["Content-Language"] == "ru"
    assert "no-store" in response.headers["Cache-Control"]
    assert response.json["detail"] == detail


def test_wrong_input_is_told_by_field(app: Any, failing: str) -> None:
    response = app.get(f"/en/api/{failing}/input", status=400)
    assert response.json["detail"] == "The request is wrong: Name: Missing value"


def test_a_person_is_told_an_error_as_a_page(app: Any, failing: str) -> None:
    response = app.get(f"/ru/{failing}/ours", headers={"Accept": "text/html"}, status=413)
    assert response.content_type.startswith("text/html")
    assert "Запрос слишком велик: допустимо 1\xa0КБ." in response.get_data(as_text=True)


def test_the_type_of_a_problem_leads_to_its_explanation(app: Any) -> None:
    assert app.get("/problems/web.not_found").json == {
        "code": "web.not_found",
        "status": 404,
        "title": {"kk": "Табылмады", "ru": "Не найдено", "en": "Not found"},
        "detail": {
            "kk": "Мұндай бет немесе жазба жоқ.",
            "ru": "Такой страницы или записи нет.",
            "en": "There is no such page or record.",
        },
    }
    assert "web.not_found" in app.get("/problems").json["codes"]


def test_the_error_page_of_a_page_that_broke_at_its_end_has_its_styles(app: Any, failing: str) -> None:
    styles = [
        f'href="{part.split(chr(34))[0]}"' for part in app.get("/about").body.split('href="') if ".css" in part.split('"')[0]
    ]
    page = app.get(f"/{failing}/late", status=404, headers={"Accept": "text/html"}).body
    assert styles
    assert [style for style in styles if style not in page] == []
