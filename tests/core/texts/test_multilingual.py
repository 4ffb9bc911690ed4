"""Which language stands in for a missing one."""

from __future__ import annotations

import pytest
from ckanext.kzopen.core.texts import LANGUAGES, fall_back_to, in_language, primary


@pytest.mark.parametrize(
    ("value", "language", "text"),
    [
        ({"kk": "қ", "ru": "р", "en": "e"}, "ru", "р"),
        ({"kk": "қ", "ru": "р"}, "en", "қ"),
        ({"ru": "р", "en": "e"}, "kk", "р"),
        ({"en": "e"}, "kk", "e"),
        ({"kk": "", "ru": "р"}, "kk", "р"),
        ({"de": "d"}, "kk", "d"),
        ({"kk": "қ", "ru": "р"}, "ru_RU", "р"),
        ({}, "kk", ""),
        (None, "kk", ""),
        ("plain", "kk", "plain"),
    ],
)
def test_a_missing_language_is_stood_in_for(value: dict[str, str] | str | None, language: str, text: str) -> None:
    assert in_language(value, language) == text


def test_the_order_of_stand_ins_can_be_chosen() -> None:
    assert in_language({"kk": "қ", "en": "e"}, "ru", order=("en", "kk")) == "e"


def test_the_settings_say_which_language_stands_in() -> None:
    fall_back_to(["ru", "kk_KZ"])
    try:
        assert in_language({"kk": "қ", "ru": "р"}, "en") == "р"
        assert in_language({"kk": "қ", "en": "e"}, "de") == "қ"
    finally:
        fall_back_to(LANGUAGES)


@pytest.mark.parametrize(
    ("tag", "language"), [("ru-KZ", "ru"), ("kk_KZ", "kk"), ("KZ", "kk"), ("en", "en"), ("kk-Latn-KZ", "kk")]
)
def test_a_tag_is_its_language(tag: str, language: str) -> None:
    assert primary(tag) == language
