"""The kinds of agencies in words, as headings of lists and of one agency."""

from __future__ import annotations

from ckanext.kzopen.core.texts import Words

KIND_NAMES: dict[str, Words] = {
    "ministry": {"kk": "Министрлік", "ru": "Министерство", "en": "Ministry"},
    "committee": {"kk": "Комитет", "ru": "Комитет", "en": "Committee"},
    "region": {
        "kk": "Облыс немесе республикалық маңызы бар қала",
        "ru": "Область или город республиканского значения",
        "en": "Region",
    },
    "district": {"kk": "Аудан", "ru": "Район", "en": "District"},
    "city": {"kk": "Қала", "ru": "Город", "en": "City"},
    "akim": {"kk": "Әкім аппараты", "ru": "Аппарат акима", "en": "Akim's office"},
    "subordinate": {
        "kk": "Ведомстволық бағынысты ұйым",
        "ru": "Подведомственная организация",
        "en": "Subordinate organisation",
    },
    "company": {"kk": "Мемлекет қатысатын компания", "ru": "Компания с участием государства", "en": "State company"},
    "other": {"kk": "Басқа орган", "ru": "Иной орган", "en": "Other body"},
}
GROUP_NAMES: dict[str, Words] = {
    "ministry": {"kk": "Министрліктер", "ru": "Министерства", "en": "Ministries"},
    "committee": {"kk": "Комитеттер", "ru": "Комитеты", "en": "Committees"},
    "region": {
        "kk": "Облыстар мен қалалар",
        "ru": "Области и города",
        "en": "Regions",
    },
    "district": {"kk": "Аудандар", "ru": "Районы", "en": "Districts"},
    "city": {"kk": "Қалалар", "ru": "Города", "en": "Cities"},
    "akim": {"kk": "Әкім аппараттары", "ru": "Аппараты акимов", "en": "Akims' offices"},
    "subordinate": {
        "kk": "Ведомстволық бағынысты ұйымдар",
        "ru": "Подведомственные организации",
        "en": "Subordinate organisations",
    },
    "company": {"kk": "Мемлекет қатысатын компаниялар", "ru": "Компании с участием государства", "en": "State companies"},
    "other": {"kk": "Басқа органдар", "ru": "Иные органы", "en": "Other bodies"},
}
