"""Kazakh words lose their endings, and only these."""

import pytest
from ckanext.kzopen.search import kazakh


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("мектептер", "мектеп"),  # schools
        ("мектебі", "мектеп"),  # its school: the last consonant softens
        ("мектептерінің", "мектеп"),  # of its schools
        ("қалаларда", "қала"),  # in towns
        ("қаласының", "қала"),  # of its town
        ("облыстарындағы", "облыс"),  # in its regions
        ("облысы", "облыс"),
        ("оқушысы", "оқуш"),  # its pupil: the stem itself ends in ы, which goes too, as in оқушылар
        ("бюджетті", "бюджет"),
        ("бюджеті", "бюджет"),
        ("денсаулығы", "денсаулық"),
        ("министрлігінің", "министрлік"),
        ("адамдармен", "адам"),  # with people
        ("үйлер", "үй"),
    ],
)
def test_case_possession_and_number_are_taken_off(word: str, stem: str) -> None:
    assert kazakh.stem(word) == stem


@pytest.mark.parametrize("word", ["қазақстан", "тендер", "бухгалтер", "лидер", "жұмыссыздық", "су", "бағдарлама"])
def test_a_word_that_only_looks_inflected_stays_whole(word: str) -> None:
    assert kazakh.stem(word) == word


def test_a_country_loses_its_case() -> None:
    assert kazakh.stem("қазақстанда") == kazakh.stem("қазақстанның") == "қазақстан"


@pytest.mark.parametrize(
    ("verbal_noun", "forms"),
    [
        ("бекіту", "бекітеді бекітті бекіткен бекітіп бекітілді бекітілген бекітілетін бекітілмеген бекітсе"),  # to approve
        ("белгілеу", "белгіледі белгілейді белгіленген белгіленеді белгілеп белгіленетін"),  # to set
        ("жариялау", "жариялады жарияланды жарияланған жарияланады жариялап жариялаймыз"),  # to publish
        ("өткізу", "өткізіледі өткізілген өткізген өткіздім өткізбейді өткізбей өткізіп"),  # to hold
        ("қосу", "қосылған қосып қосады қосамыз қоспайды"),  # to join
        ("оқу", "оқыды оқыған оқып оқимын оқымаған"),  # to read
        ("қою", "қойды қойған қойып қойылды"),  # to put
        ("пайдалану", "пайдалана пайдаланды пайдаланып пайдаланған"),  # to use
        ("беру", "берген берді беріледі берсе бергені бергеннен бермей"),  # to give
    ],
)
def test_a_verb_is_found_in_tense_negation_and_passive(verbal_noun: str, forms: str) -> None:
    assert {form: kazakh.stem(form) for form in forms.split()} == dict.fromkeys(forms.split(), kazakh.stem(verbal_noun))


@pytest.mark.parametrize(
    ("one", "other"),
    [("қала", "қалу"), ("есеп", "есе"), ("талап", "тала"), ("кітап", "кіту"), ("бала", "балу"), ("қызыл", "қызды")],
)
def test_a_noun_is_not_taken_for_a_verb(one: str, other: str) -> None:
    assert kazakh.stem(one) != kazakh.stem(other)


def test_the_ablative_of_nouns_in_nasal_sounds_is_taken_off() -> None:
    assert [kazakh.stem(word) for word in ("адамнан", "заңнан", "күннен")] == ["адам", "заң", "күн"]
