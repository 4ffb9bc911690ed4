"""Words, numbers and dates in the reader's language and form."""

from ckanext.kzopen.core.texts.lookalikes import LookAlike, look_alikes, repaired
from ckanext.kzopen.core.texts.multilingual import LANGUAGES, Words, fall_back_to, in_language, primary
from ckanext.kzopen.core.texts.reader import ASTANA, day, in_astana, moment, money, number, percent, reader_form, size

__all__ = [
    "ASTANA",
    "LANGUAGES",
    "LookAlike",
    "Words",
    "day",
    "fall_back_to",
    "in_astana",
    "in_language",
    "look_alikes",
    "moment",
    "money",
    "number",
    "percent",
    "primary",
    "reader_form",
    "repaired",
    "size",
]
