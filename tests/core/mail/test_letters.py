"""Templates are whole in three languages; what a value holds cannot break out of a letter."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.mail.messages import Outgoing, Sender, message_of
from ckanext.kzopen.core.texts import LANGUAGES

NAMES = mail.template_names()
WITHOUT_WORDS = ("core.plain", "notices.one")  # their subjects are given to them


def outgoing(**given: str) -> Outgoing:
    values = {"recipient": "a@example.org", "language": "kk", "subject": "Сәлем", "text": "…"} | given
    return Outgoing(uuid4(), created=datetime(2026, 3, 5, tzinfo=UTC), **values)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_template_exists_in_three_languages_and_fills(name: str, language: str) -> None:
    letter = mail.rendered(name, language, mail.sample(name))
    assert letter.subject
    assert letter.text.strip()
    assert not {"{{", "{%"} & set(re.findall(r"\{.", letter.text))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITHOUT_WORDS])
def test_a_template_is_translated(name: str) -> None:
    letters = [mail.rendered(name, language, mail.sample(name)) for language in LANGUAGES]
    assert len({letter.subject for letter in letters}) == len({letter.text for letter in letters}) == len(LANGUAGES)


def test_values_are_told_in_the_readers_form(tmp_path: Path) -> None:
    for language in LANGUAGES:
        (tmp_path / f"try.dates.{language}.txt").write_text("{{ title }}\n{{ day }}; {{ size | told('size') }}")
    mail.templates(tmp_path)
    values = {"title": {"kk": "Атау", "ru": "Имя"}, "day": date(2026, 3, 5), "size": 1500}
    assert mail.rendered("try.dates", "ru-KZ", values) == mail.Letter("Имя", "5 марта 2026\xa0г.; 1,5\xa0КБ\n")
    assert mail.rendered("try.dates", "de", values).subject == "Атау"


def test_a_line_break_in_a_value_stays_in_the_subject() -> None:
    letter = mail.rendered("core.plain", "en", {"subject": "Hello\u2028\x00", "text": "\u202etext"})
    assert letter == mail.Letter("Hello", "text\n")


@pytest.mark.parametrize("part", ["subject", "recipient", "unsubscribe", "language"])
def test_a_line_break_makes_no_header(part: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        message_of(outgoing(**{part: "x\r\nBcc: all@example.org"}), Sender("portal@example.org", "Portal"))


def test_the_name_of_the_portal_and_long_subjects_are_readable_by_every_reader() -> None:
    subject = "Деректер жиынының жаңа нұсқасы: " + "Қазақстан Республикасының мемлекеттік органдары " * 4
    raw = message_of(outgoing(subject=subject.strip()), Sender("portal@example.org", "Ашық үкімет, портал")).as_bytes()
    assert raw.isascii()
    from email import message_from_bytes
    from email.policy import default

    message = message_from_bytes(raw, policy=default)
    assert message["Subject"] == subject.strip()
    assert message["From"].addresses[0].display_name == "Ашық үкімет, портал"
    assert message["From"].addresses[0].addr_spec == "portal@example.org"


def test_html_in_a_value_is_shown_as_it_is() -> None:
    message = message_of(outgoing(text="<b>x</b> & https://example.org/<script>"), Sender("portal@example.org", "Portal"))
    html = message.get_payload()[1].get_payload(decode=True).decode()
    assert "&lt;b&gt;x&lt;/b&gt; &amp;" in html
    assert "<script" not in html


def test_an_unknown_template_is_named() -> None:
    with pytest.raises(LookupError, match=r"core\.plain"):
        mail.sample("core.none")
