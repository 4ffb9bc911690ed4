"""A suffix stemmer for Kazakh: endings are taken off from the right, in the order in which Kazakh puts them on.

A noun is stem + number + possession + case, a verb stem + negation + tense, and a participle or a verbal noun goes on like a
noun. Each ending has several forms, which follow the vowels and the last letter of what stands before it; one that does not
fit is not taken. Limits: no dictionary, so a stem that ends like a suffix is cut too; index and query are cut alike, so it is
still found. How often it errs is measured by `./kzopen bench stems`.
"""

from __future__ import annotations

import re
from functools import cache

BACK = frozenset("аоұыя")
FRONT = frozenset("әөүіе")
VOWELS = BACK | FRONT | frozenset("уюиэё")
"""Those that are neither back nor front take suffixes of both kinds: болуға, беруге."""

_RELATIVE = ("дағы", "дегі", "тағы", "тегі", "ндағы", "ндегі")  # that which is in
_LIKE = ("дай", "дей", "тай", "тей", "рақ", "рек", "ырақ", "ірек")
_CASES = (
    *("ның", "нің", "дың", "дің", "тың", "тің"),  # of
    *("ға", "ге", "қа", "ке", "на", "не"),  # to
    *("ны", "ні", "ды", "ді", "ты", "ті", "н"),  # object; the same letters are the past of a verb
    *("да", "де", "та", "те", "нда", "нде"),  # in, at
    *("дан", "ден", "тан", "тен", "нан", "нен"),  # from
    *("мен", "бен", "пен", "менен", "бенен", "пенен"),  # with
)
_POSSESSION = (
    *("ымыз", "іміз", "мыз", "міз", "ыңыз", "іңіз", "ңыз", "ңіз"),
    *("сы", "сі", "ы", "і"),
)
"""Without `my` and `your` of one person: no office writes them, and ұйым, тізім, бөлім would lose their ends."""
_NUMBER = ("лар", "лер", "дар", "дер", "тар", "тер")
_DONE = ("ған", "ген", "қан", "кен")
_PARTICIPLES = (
    *(*_DONE, "ғандық", "гендік", "қандық", "кендік"),
    *("ып", "іп", "п", "у", "ю"),
)
_TENSES = (
    *("ады", "еді", "йды", "йді", "иды", "иді"),  # does
    *("мады", "меді", "бады", "беді", "пады", "педі"),  # did not
    *("май", "мей", "бай", "бей", "пай", "пей"),  # not doing
    *("атын", "етін", "йтын", "йтін", "итын", "итін"),  # doing
    *(
        "амын",
        "емін",
        "ймын",
        "ймін",
        "амыз",
        "еміз",
        "ймыз",
        "йміз",
        "имын",
        "имін",
        "имыз",
        "иміз",
        "асыз",
        "есіз",
        "йсыз",
        "йсіз",
    ),  # I, we, you do
    *("дым", "дім", "тым", "тім", "дыңыз", "діңіз", "тыңыз", "тіңіз"),  # I, you did
    *("са", "се", "сам", "сем", "сақ", "сек", "саңыз", "сеңіз"),  # if
    *("айын", "ейін", "йын", "йін", "сын", "сін"),  # let
)
_PAST = ("ды", "ді", "ты", "ті")
CONVERB = re.compile(r"(?:л[ае]н|[тд][ыі]р|[қғ]ыз|[кг]із)[ае]$")
_MADE_VERB = re.compile(r"\w{2}(?:л[ае]н|[ыі]л|[тд][ыі]р|[қғ]ыз|[кг]із)$")
"""Doing: пайдалана, арттыра; shorter ones end like too many nouns."""
_VOICES = ("ыл", "іл", "ын", "ін", "л", "н")
"""The passive: an order that was approved is found by "to approve"."""
_NEGATIONS = ("ма", "ме", "ба", "бе", "па", "пе")
_NOUN = (_RELATIVE, _CASES, _POSSESSION, _NUMBER)

_HARDENED = {"б": "п", "г": "к", "ғ": "қ"}
_SHORTEST = 2

_VOICELESS = frozenset("қкпстшщчцхфһбвгд")
_VOICED = VOWELS | frozenset("рлймнңзжв")
_AFTER: dict[str, frozenset[str]] = {
    **dict.fromkeys("тқкп", _VOICELESS),
    **dict.fromkeys("дғг", _VOICED),
    "н": (VOWELS - frozenset("о")) | frozenset("мнң"),
    "л": VOWELS | frozenset("рй"),
    "м": VOWELS | frozenset("рлймнң"),
    "б": frozenset("зж"),
    "с": VOWELS,
    "ң": VOWELS,
    "й": VOWELS,
    "р": VOWELS,
    **dict.fromkeys(("дар", "дер"), frozenset("лмнңзж")),
    **dict.fromkeys(("на", "не", "нда", "нде", "ндағы", "ндегі"), frozenset("ыі")),
    **dict.fromkeys(("нан", "нен"), frozenset("ыімнң")),
    **dict.fromkeys(("сын", "сін"), frozenset("рлйнмңзжқкпст")),  # of a noun after vowels: баласын
    **dict.fromkeys(("са", "се", "сам", "сем", "сақ", "сек", "саңыз", "сеңіз"), VOWELS | frozenset("рлйнмңзжқкпстш")),
    **dict.fromkeys(("ба", "бе", "бай", "бей", "бады", "беді"), frozenset("зжмнң")),
}
"""After which letters a suffix, or any that begins with this letter, may stand; one with a vowel first follows consonants."""
COUNTRIES = re.compile(r"(?:[қк]аза[қк]|өзбек|қырғыз|тәжік|түркімен|ауған|пәкі|түркі|татар|башқұрт|дағы)стан$")
"""Names, not nouns in the ablative."""
_TWO_LETTERS = frozenset(
    re.findall(
        r"\w+",
        "ел ат ай ас үй от іс ақ оқ ой өз ұл ет ит ал ан ем ер ек аң өң ұн із он су ту бу ми ес ән ою "
        "аш өл өс өш өт ен еш ұш ұр іш іл қу жу ту ию қи ти ки",
    )
)
"""Stems of two letters; all others need three, or орта (middle) would be a noun in the locative."""
_WITHOUT_VOWEL = {
    "халқ": "халық",
    "мүлк": "мүлік",
    "орн": "орын",
    "ерк": "ерік",
    "көрк": "көрік",
    "қалп": "қалып",
    "ауз": "ауыз",
    "мойн": "мойын",
    "құлқ": "құлық",
}
"""Stems that lose their last vowel before another one: халық, халқы."""
_NOUNS_IN_U = re.compile(r"^(?:[бстқд]у|[жтсбдз]ау|қару|ару|сұлу|жылу|алау|қалау)$")
_NOUNS_IN_P = frozenset(("кітап", "талап", "жауап", "есеп", "тарап", "мектеп", "себеп", "шарап", "азап", "мирап"))
LOANS = frozenset(
    re.findall(
        r"\w+",
        """
        қысқа басқа нұсқа алқа өлке ірге өзге бірге бөлме жаңа пайда сауда орда елорда кесте теңге тақта апта мақта
        хатта мұнда онда сонда жанында ретінде тиісті тендер гендер лидер гектар доллар характер мастер бухгалтер
        трейдер провайдер принтер свитер санитар компьютер литр касса кредитор катер ордер радар дар удар шифер календар
        секретар министр регистр центр метр сервер фермер партнер конвертер орган организация план экран кран роман
        капитал банк
        """,
    )
)
"""Words, many from other languages, that end like one with a suffix; in lower case, as Kazakh texts write them."""


@cache
def _longest_first(suffixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(suffixes, key=len, reverse=True))


def _last_vowel(word: str) -> str:
    return next((letter for letter in reversed(word) if letter in BACK or letter in FRONT), "")


def _agrees(stem: str, suffix: str) -> bool:
    """Vowel harmony; `мен` and what mixes (у, и, loan words) agree with all."""
    vowel, wanted = _last_vowel(stem), _last_vowel(suffix)
    if suffix.endswith("ен") and suffix[0] in "мбп":
        return True
    return bool(vowel) and not (vowel in BACK and wanted in FRONT) and not (vowel in FRONT and wanted in BACK)


def _fits(stem: str, suffix: str) -> bool:
    """Whether the suffix may follow the last letter of the stem, by consonants and vowels, and leaves enough of it."""
    if (len(stem) <= _SHORTEST and stem not in _TWO_LETTERS) or not _agrees(stem, suffix):
        return False
    if suffix in ("у", "ю"):
        return not _NOUNS_IN_U.match(stem + suffix)
    if suffix[0] in VOWELS:
        return stem[-1] not in VOWELS or (stem[-1] in "уи" and suffix in ("ы", "і"))  # болу-ы
    if suffix == "н":
        return stem[-1] in "ыі"  # мектебі-н
    if suffix == "п":
        return stem[-1] in "ае" and stem + suffix not in _NOUNS_IN_P
    if suffix in ("ны", "ні") and f"{stem}н".endswith(_DONE):
        return False  # болған-ы
    if suffix in ("сы", "сі") and stem[-1] in "ыі":
        return stem.endswith(("шы", "ші"))  # оқушы-сы, but облыс-ы
    if suffix in ("сы", "сі") and stem.endswith(("кеңе", "қатына")):
        return False  # кеңес-і
    return stem[-1] in _AFTER.get(suffix, _AFTER[suffix[0]])


def _strip(word: str, suffixes: tuple[str, ...]) -> str:
    for suffix in _longest_first(suffixes):
        if word.endswith(suffix) and _fits(word[: -len(suffix)], suffix):
            return word[: -len(suffix)]
    return word


def _as_noun(word: str) -> str:
    for layer in _NOUN:
        if word in LOANS or COUNTRIES.search(word):
            return word
        word = _strip(word, layer)
    return word


def _as_verb(word: str) -> str:
    if word.endswith("ю"):
        return _root(word[:-1] + "й")  # қою: қой-
    if CONVERB.search(word):
        return _root(word[:-1])
    root = _strip(word, _PARTICIPLES)
    return _root(root) if root != word else word


def _is_past(word: str) -> bool:
    """Whether ды is the past, not the object of a noun: after a vowel, where a noun has ны, and after suffixes of verbs."""
    before = word[:-2]
    return word.endswith(_PAST) and (before[-1:] in VOWELS or bool(_MADE_VERB.search(before)))


def _root(verb: str) -> str:
    """The verb without negation, voice and last vowel, which the tense may have taken: белгіле-ді, but бекіт-еді."""
    root = _active(_strip(verb, _NEGATIONS))
    while len(root) > _SHORTEST + 1 and root[-1] in "аеыі":
        root = _active(root[:-1])
    return root[:-1] if root[-1] in "ыі" and root[:-1] in _TWO_LETTERS else root


def _active(verb: str) -> str:
    """The verb without the passive, where enough is left of it."""
    for suffix in _VOICES:
        active = verb.removesuffix(suffix)
        if active != verb and len(active) > _SHORTEST and _last_vowel(active):
            follows = active[-1] in "аеыіи" if len(suffix) == 1 else active[-1] not in VOWELS
            if follows:
                return active
    return verb


def _base(stem: str) -> str:
    """One form for what a stem may be before another suffix: тараб(ы) and тарап, халқ(ы) and халық, жылқы and жылқ(ылар)."""
    if stem[-1] in "ыі" and len(stem) > _SHORTEST + 1:
        stem = stem[:-1]
    stem = _WITHOUT_VOWEL.get(stem, stem)
    return stem[:-1] + _HARDENED.get(stem[-1], stem[-1])


def stem(word: str) -> str:
    """The word without its endings; `word` is in lower case."""
    if word in LOANS:
        return word
    present = _strip(word, _TENSES + _PAST if _is_past(word) else _TENSES)
    if present != word:
        return _base(_root(present))
    return _base(_as_verb(_as_noun(_strip(word, _LIKE))))
