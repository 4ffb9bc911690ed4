"""Logs without personal data, in which no line can be forged."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from logging.config import fileConfig
from pathlib import Path
from typing import Any

import pytest
import structlog
from ckanext.kzopen.core.web import logs
from hypothesis import given
from hypothesis import strategies as st

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJhYmMifQ.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def kept_logging() -> Iterator[None]:
    """What the test configures is taken back."""
    loggers = {name: logging.getLogger(name) for name in [*logging.Logger.manager.loggerDict, ""]}
    before = {name: (logger.handlers[:], logger.level, logger.propagate) for name, logger in loggers.items()}
    structlog.contextvars.clear_contextvars()
    yield
    for name, (handlers, level, propagate) in before.items():
        loggers[name].handlers[:], loggers[name].propagate = handlers, propagate
        loggers[name].setLevel(level)
    structlog.reset_defaults()


def written(write: Any, *, as_json: bool = True) -> list[str]:
    stream = io.StringIO()
    logs.configure("INFO", json=as_json, stream=stream)
    write()
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("IIN 800101300125 came", "IIN [iin] came"),
        ("BIN 990840000012 came", "BIN 990840000012 came"),
        ("rows 123456789012", "rows 123456789012"),
        ("call +7 701 123 45 67 now", "call [phone] now"),
        ("call 8(701)123-45-67", "call [phone]"),
        ("call +77011234567.", "call [phone]."),
        ("order 87011234567890 stays", "order 87011234567890 stays"),
        ("from aigerim.s@example.kz", "from [email]"),
        (f"Authorization: {TOKEN}", "Authorization: [secret]"),
        (f"got {TOKEN}", "got [secret]"),
        ("Bearer abcdef123456", "Bearer [secret]"),
        ("GET /api/v4/x?apiKey=0123456789abcdef&source=1", "GET /api/v4/x?apiKey=[secret]&source=1"),
        ('{"password": "hunter2", "a": 1}', '{"password": "[secret]", "a": 1}'),
        ("postgresql://kz:pa55word@db/kz", "postgresql://kz:[secret]@db/kz"),
        ("Қазақстан, 2026 жыл: 1 234,5", "Қазақстан, 2026 жыл: 1 234,5"),
    ],
)
def test_personal_data_and_secrets_are_masked(text: str, shown: str) -> None:
    assert logs.masked(text) == shown


def test_a_line_is_json_with_time_level_logger_and_values() -> None:
    (line,) = written(lambda: structlog.get_logger("kzopen.test").info("delivery accepted", delivery=17, rows=[1, 2]))
    told = json.loads(line)
    assert told.pop("timestamp").endswith("Z")
    assert told == {"event": "delivery accepted", "level": "info", "logger": "kzopen.test", "delivery": 17, "rows": [1, 2]}


def test_the_standard_library_logs_the_same_way() -> None:
    (line,) = written(lambda: logging.getLogger("ckan.lib").info("user %s signed in", "a@b.kz"))
    told = json.loads(line)
    assert (told["event"], told["level"], told["logger"]) == ("user [email] signed in", "info", "ckan.lib")


def test_values_are_masked_however_deep_and_secrets_by_their_names() -> None:
    def write() -> None:
        log = structlog.get_logger("kzopen.test")
        log.info("x", user={"mail": "a@b.kz", "iins": ["800101300125"]}, token="plain", number=800101300125, api_key="k")

    told = json.loads(written(write)[0])
    assert told["user"] == {"mail": "[email]", "iins": ["[iin]"]}
    assert (told["token"], told["number"], told["api_key"]) == ("[secret]", "[iin]", "[secret]")


def test_an_exception_is_masked_too() -> None:
    def write() -> None:
        try:
            raise ValueError("no account for a@b.kz with password=hunter2")
        except ValueError:
            structlog.get_logger("kzopen.test").exception("failed")

    (line,) = written(write)
    told = json.loads(line)
    assert told["exception"].endswith("ValueError: no account for [email] with password=[secret]")


FORGED = "x\r\n2026-01-01 ERROR admin: all deleted\x1b[2J\u2028next\x00\x85\u202etxt"


@pytest.mark.parametrize("as_json", [True, False])
def test_a_visitor_cannot_end_a_line_or_colour_a_terminal(as_json: bool) -> None:
    def write() -> None:
        structlog.get_logger("kzopen.test").warning(FORGED, path=FORGED, **{"key\n": "v"})
        logging.getLogger("kzopen.test").warning("path %s", FORGED)

    stream = io.StringIO()
    logs.configure("INFO", json=as_json, stream=stream)
    write()
    text = stream.getvalue()
    assert text.count("\n") == 2
    assert not set(text) & set("\r\x1b\u2028\x00\x85\u202e")


def test_a_readable_line_keeps_an_exception_under_a_bar() -> None:
    def write() -> None:
        try:
            raise ValueError("first\nERROR second")
        except ValueError:
            logging.getLogger("kzopen.test").exception("failed")

    head, *rest = written(write, as_json=False)
    assert head.endswith(" error    kzopen.test: failed")
    assert all(line.startswith("    | ") for line in rest)


@given(st.text())
def test_no_text_makes_two_lines(text: str) -> None:
    assert len(logs.one_line(text).splitlines()) <= 1


def test_an_ini_can_ask_for_our_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ini = tmp_path / "logging.ini"
    ini.write_text(
        "[loggers]\nkeys = root\n[handlers]\nkeys = console\n[formatters]\nkeys = ours\n"
        "[logger_root]\nlevel = INFO\nhandlers = console\n"
        "[handler_console]\nclass = StreamHandler\nargs = (sys.stderr,)\nformatter = ours\n"
        "[formatter_ours]\nclass = ckanext.kzopen.core.web.logs.Formatter\n"
    )
    fileConfig(ini, disable_existing_loggers=False)
    logging.getLogger("elsewhere").info("from %s", "a@b.kz")
    assert json.loads(capsys.readouterr().err)["event"] == "from [email]"


def test_a_level_is_kept() -> None:
    def write() -> None:
        logging.getLogger("ckan").debug("no")
        logging.getLogger("sqlalchemy").info("no")
        logging.getLogger("sqlalchemy").warning("yes")

    assert [json.loads(line)["event"] for line in written(write)] == ["yes"]
