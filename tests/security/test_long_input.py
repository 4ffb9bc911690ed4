"""Text that somebody made very long costs the log little, and its secrets are masked all the same."""

from __future__ import annotations

import time

import pytest
from ckanext.kzopen.core.web.logs import LONGEST_TEXT, masked


@pytest.mark.parametrize(
    "text",
    ["a" * 1_000_000, "a-" * 500_000, "a." * 500_000, ("a" * 299 + " ") * 4_000, "password" * 100_000, "+7" * 500_000],
    ids=["one word", "dashes", "dots", "many words", "the name of a secret", "the start of a telephone number"],
)
def test_a_long_text_is_masked_at_once(text: str) -> None:
    started = time.process_time()
    found = masked(text)
    assert time.process_time() - started < 2
    assert len(found) < LONGEST_TEXT + 100


def test_the_end_of_a_long_text_is_kept() -> None:
    assert masked("x " * 100_000 + "ValueError: the reason").endswith("ValueError: the reason")


def test_a_secret_in_a_long_word_is_masked() -> None:
    assert masked("token=" + "s" * 5_000) == "token=[secret]"
    assert masked("eyJ" + "a" * 33 + "." + "b" * 5_000) == "[secret]…"
