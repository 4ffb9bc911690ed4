"""What an address of Elasticsearch says: nodes, the prefix of our names there, how we show who we are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

SCHEMES = {"elasticsearch": "http", "elasticsearch+https": "https"}
PORT = 9200
_FORM = re.compile(
    r"(?P<scheme>[a-z+]+)://(?:(?P<login>[^@/]*)@)?(?P<nodes>[^/?]+)/(?P<prefix>[^/?]*)/?(?:\?(?P<options>.*))?"
)
_PREFIX = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}", re.ASCII)
_NODE = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?", re.ASCII)
OPTIONS = ("api_key", "ca", "shards", "replicas")


class AddressError(ValueError):
    """The address cannot be read; the text says what is wrong with it."""


@dataclass(frozen=True)
class Address:
    """`nodes` are addresses of HTTP; `login` is (name, password) or None; `ca` a file of certificates to trust, or ""."""

    nodes: tuple[str, ...]
    prefix: str
    login: tuple[str, str] | None = None
    api_key: str = ""
    ca: str = ""
    shards: int = 1
    replicas: int = 0


def read(url: str) -> Address:
    """The parts of `elasticsearch[+https]://[name:password@]host[:port][,host…]/prefix[?api_key=…&ca=…&shards=…&replicas=…]`.

    Raises AddressError.
    """
    found = _FORM.fullmatch(url)
    if found is None or found["scheme"] not in SCHEMES:
        raise AddressError("write it as elasticsearch://host:port/prefix")
    if not _PREFIX.fullmatch(found["prefix"]):
        raise AddressError(
            "after the hosts comes a prefix of small Latin letters, digits, _ and -: elasticsearch://host:port/kzopen"
        )
    options = _options(found["options"] or "")
    if options.get("ca") and SCHEMES[found["scheme"]] != "https":
        raise AddressError("ca= is for elasticsearch+https://, plain HTTP shows no certificate")
    return Address(
        nodes=tuple(_node(SCHEMES[found["scheme"]], node) for node in found["nodes"].split(",")),
        prefix=found["prefix"],
        login=_login(found["login"]),
        api_key=options.get("api_key", ""),
        ca=options.get("ca", ""),
        shards=_count(options, "shards", 1, least=1),
        replicas=_count(options, "replicas", 0, least=0),
    )


def _node(scheme: str, text: str) -> str:
    found = _NODE.fullmatch(text)
    if found is None or not 0 < int(found["port"] or PORT) < 65536:
        raise AddressError(f"{text} is no host:port")
    return f"{scheme}://{found['host']}:{found['port'] or PORT}"


def _login(text: str | None) -> tuple[str, str] | None:
    if not text:
        return None
    name, colon, password = text.partition(":")
    if not (name and colon and password):
        raise AddressError("before the @ stand a name and a password, with a colon between them")
    return unquote(name), unquote(password)


def _options(text: str) -> dict[str, str]:
    found = {name: values[-1] for name, values in parse_qs(text).items()}
    unknown = found.keys() - set(OPTIONS)
    if unknown:
        raise AddressError(f"there is no option {', '.join(sorted(unknown))}; there are {', '.join(OPTIONS)}")
    return found


def _count(options: dict[str, str], name: str, default: int, least: int) -> int:
    text = options.get(name, str(default))
    if not text.isdecimal() or not least <= int(text) <= 100:
        raise AddressError(f"{name} is a number from {least} to 100")
    return int(text)
