"""The file that says which query goes into which data set, when, and by which key.

    portal = "https://data.example.kz"
    token_file = "/etc/kzopen-agent/token"       # or token = "…", or the variable KZOPEN_TOKEN
    state = "/var/lib/kzopen-agent"
    language = "kk"                              # of what the portal says: kk, ru, en

    [[table]]
    dataset = "schools"
    database = "mariadb://reader:secret@127.0.0.1/register"
    query = "SELECT bin, name, pupils FROM school"
    key = ["bin"]
    every = "30s"

Instead of `database` and `query` a table may have `file`, a CSV.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

URI = re.compile(r"[a-z0-9_-]{2,100}")
SPAN = re.compile(r"(\d+)\s*(s|m|h|d)")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
OFTEN = "30s"
"""How often a table is looked at that does not say it: what changes right after a look is public within a minute, too."""
STATE = "/var/lib/kzopen-agent"
LENT = "CREDENTIALS_DIRECTORY"
"""The variable in which systemd names the folder of what it lends."""
VARIABLE = "KZOPEN_TOKEN"
"""The variable that may hold the token; in the units, what a token is called that the settings do not name."""
KNOWN = {"portal", "language", "token", "token_file", "state", "table"}
KNOWN_OF_TABLE = {"dataset", "database", "query", "file", "key", "every", "encoding", "delimiter"}


class WrongFile(Exception):
    """The file with the settings cannot be used; the sentence says where and why."""


@dataclass(frozen=True)
class Table:
    """One query or file, its data set, the columns of its key, and the seconds between two looks at it."""

    dataset: str
    key: tuple[str, ...]
    every: float
    database: str = ""
    query: str = ""
    file: str = ""
    encoding: str = "utf-8-sig"
    delimiter: str = ","


@dataclass(frozen=True)
class Settings:
    """The portal, the system's token and its file, the folder that the agent keeps, the tables, the language of answers.

    `names_token` is whether the file with the settings has the token or names its file; else the environment gave it.
    """

    portal: str
    token: str
    state: Path
    tables: tuple[Table, ...]
    language: str = "ru"
    token_file: Path | None = None
    names_token: bool = True

    def token_now(self) -> str:
        """The token as its file has it at this moment, which may have been renewed; while there is none, the last known."""
        try:
            return (_lent(self.token_file).read_text(encoding="utf-8").strip() if self.token_file else "") or self.token
        except OSError:
            return self.token


def read(path: Path) -> Settings:
    """The settings of a file; raises WrongFile."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongFile(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongFile(f"{path}: {error}") from error
    unknown = sorted(told.keys() - KNOWN)
    if unknown:
        raise WrongFile(f"{path}: unknown: {', '.join(unknown)}")
    portal = str(told.get("portal", "")).rstrip("/")
    if not re.match(r"https?://[^/]+", portal):
        raise WrongFile(f'{path}: portal = "https://…" is missing')
    tables = tuple(_table(path, number, one) for number, one in enumerate(told.get("table", []), start=1))
    names = [table.dataset for table in tables]
    if not names or len(set(names)) < len(names):
        raise WrongFile(f"{path}: there must be at least one [[table]], and each data set in one only")
    file = Path(told["token_file"]) if told.get("token_file") else None
    state, language = Path(told.get("state", STATE)), str(told.get("language", "ru"))
    names_token = bool(file or told.get("token"))
    return Settings(portal, _token(path, told, file), state, tables, language, file, names_token)


def _token(path: Path, told: dict[str, Any], file: Path | None) -> str:
    if file is not None:
        try:
            return _lent(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise WrongFile(f"{path}: token_file {file}: {error.strerror}") from error
    token = told.get("token") or _lent_token() or os.environ.get(VARIABLE, "")
    if not token:
        raise WrongFile(f"{path}: token_file, token or the variable {VARIABLE} is needed")
    return str(token)


def _lent_token() -> str:
    """The token that systemd lends where the settings name none; "" for none."""
    lent = Path(os.environ.get(LENT, ""), VARIABLE)
    return lent.read_text(encoding="utf-8").strip() if LENT in os.environ and lent.exists() else ""


def _lent(file: Path) -> Path:
    """The copy of a file that systemd lends a service which may not read the file itself (`LoadCredential=`), or the file."""
    lent = Path(os.environ.get(LENT, ""), file.name)
    return lent if LENT in os.environ and lent.exists() else file


def _table(path: Path, number: int, one: dict[str, Any]) -> Table:
    place = f"{path}: table {number}"
    unknown = sorted(one.keys() - KNOWN_OF_TABLE)
    if unknown:
        raise WrongFile(f"{place}: unknown: {', '.join(unknown)}")
    if not URI.fullmatch(str(one.get("dataset", ""))):
        raise WrongFile(f"{place}: dataset must be the name of a data set of the portal")
    key = one.get("key") or []
    if not isinstance(key, list) or not key:
        raise WrongFile(f'{place}: key = ["column"] is missing: without a key no change can be told')
    if bool(one.get("file")) == bool(one.get("database") and one.get("query")):
        raise WrongFile(f"{place}: either file, or database and query")
    rest = {name: str(value) for name, value in one.items() if name not in ("dataset", "key", "every")}
    return Table(str(one["dataset"]), tuple(map(str, key)), seconds(place, one.get("every", OFTEN)), **rest)


def seconds(place: str, text: Any) -> float:
    """`30s`, `5m`, `1h`, `1d` in seconds."""
    found = SPAN.fullmatch(str(text).strip())
    if not found or not int(found.group(1)):
        raise WrongFile(f'{place}: every = {text!r} is no span such as "30s", "5m", "1h", "1d"')
    return float(int(found.group(1)) * SECONDS[found.group(2)])
