"""An address of Elasticsearch names nodes, a prefix and who we are; what is wrong with one is told in a sentence."""

from __future__ import annotations

import pytest
from ckanext.kzopen.search.engines.elastic.address import Address, AddressError, read


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("elasticsearch://es:9200/portal", Address(("http://es:9200",), "portal")),
        ("elasticsearch://es/portal/", Address(("http://es:9200",), "portal")),
        (
            "elasticsearch+https://kz%40open:p%3Aw%2F1@es1:9201,[::1]:9202/kz_1?replicas=2&shards=3&ca=/etc/ca.pem",
            Address(("https://es1:9201", "https://[::1]:9202"), "kz_1", ("kz@open", "p:w/1"), "", "/etc/ca.pem", 3, 2),
        ),
        ("elasticsearch://es/portal?api_key=bmFtZTprZXk%3D", Address(("http://es:9200",), "portal", api_key="bmFtZTprZXk=")),
    ],
)
def test_all_parts_of_an_address_are_read(url: str, expected: Address) -> None:
    assert read(url) == expected


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("elasticsearch://es:9200", "write it as elasticsearch://host:port/prefix"),
        ("http://es:9200/portal", "write it as elasticsearch://host:port/prefix"),
        ("elasticsearch://es:9200/Portal", "after the hosts comes a prefix"),
        ("elasticsearch://es:9200/", "after the hosts comes a prefix"),
        ("elasticsearch://es:99999/portal", "es:99999 is no host:port"),
        ("elasticsearch://es:9200,,es2/portal", " is no host:port"),
        ("elasticsearch://kzopen@es/portal", "before the @ stand a name and a password"),
        ("elasticsearch://es/portal?replica=1", "there is no option replica; there are api_key, ca, shards, replicas"),
        ("elasticsearch://es/portal?ca=/etc/ca.pem", "ca= is for elasticsearch\\+https://"),
        ("elasticsearch://es/portal?shards=0", "shards is a number from 1 to 100"),
    ],
)
def test_what_is_wrong_with_an_address_is_told(url: str, sentence: str) -> None:
    with pytest.raises(AddressError, match=sentence):
        read(url)
