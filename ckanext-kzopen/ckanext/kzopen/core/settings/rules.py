"""What must hold among settings before anything is started."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

from ckanext.kzopen.core.files.kinds import UnknownStore
from ckanext.kzopen.core.files.s3 import read_address
from ckanext.kzopen.core.settings.model import Settings

SHORTEST_SECRET = 32
SECRETS = ("secret_key", "metrics_token")
"""Those that can be changed at any time; the keys of what is kept already stay as they are."""
KNOWN_SECRETS = frozenset({"secret", "changeme", "change-me", "default", "kzopen", "password"})
SCHEMES: dict[str, tuple[str, ...]] = {
    "database_url": ("postgresql",),
    "datastore_url": ("postgresql",),
    "datastore_read_url": ("postgresql",),
    "redis_url": ("redis", "rediss", "unix"),
    "search_url": ("elasticsearch", "elasticsearch+https", "solr"),
    "files_url": ("file", "s3"),
    "smtp_url": ("smtp", "smtps"),
}


@dataclass(frozen=True)
class SettingsProblem:
    """A setting that stops the start: its name and one sentence with what to do."""

    setting: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.sentence}"


def problems(settings: Settings) -> list[SettingsProblem]:
    """Everything that stops the start, in the order of the settings; empty when all is well."""
    return [
        *_bad_addresses(settings),
        *_bad_bucket(settings),
        *_missing_partners(settings),
        *_one_database(settings),
        *_bad_archive(settings),
        *_bad_secret(settings),
        *_public_debug(settings),
    ]


def _bad_addresses(settings: Settings) -> list[SettingsProblem]:
    found = []
    for name, schemes in SCHEMES.items():
        value: str = getattr(settings, name)
        scheme = urlsplit(value).scheme
        if value and scheme not in schemes:
            wanted = " or ".join(f"{s}://…" for s in schemes)
            found.append(SettingsProblem(name, f"“{value.split(':')[0]}:…” is not understood; give {wanted}"))
    return found


def _bad_bucket(settings: Settings) -> list[SettingsProblem]:
    if urlsplit(settings.files_url).scheme != "s3":
        return []
    try:
        read_address(settings.files_url)
    except UnknownStore as error:
        return [SettingsProblem("files_url", str(error))]
    return []


def _missing_partners(settings: Settings) -> list[SettingsProblem]:
    found = []
    if bool(settings.database_url) != bool(settings.datastore_url):
        missing = "datastore_url" if settings.database_url else "database_url"
        found.append(
            SettingsProblem(missing, "database_url and datastore_url go together: give two databases of your PostgreSQL.")
        )
    if settings.datastore_url and not settings.datastore_read_url:
        found.append(SettingsProblem("datastore_read_url", "give the datastore's address for a user who may only read."))
    return found


def _one_database(settings: Settings) -> list[SettingsProblem]:
    given = settings.database_url, settings.datastore_url
    if not all(given) or _place(given[0]) != _place(given[1]):
        return []
    return [
        SettingsProblem(
            "datastore_url",
            "names the same database as database_url; give another one, in which the portal's own tables are not.",
        )
    ]


def _place(address: str) -> tuple[str, str, list[tuple[str, str]]]:
    """Which database an address of PostgreSQL names, whoever enters: host and port, name, and what the `?` says of them."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2].lower().removesuffix(":5432")
    more = [(name, value) for name, value in parse_qsl(parts.query) if name in ("host", "hostaddr", "port", "dbname")]
    return host, parts.path.strip("/"), sorted(more)


def _bad_archive(settings: Settings) -> list[SettingsProblem]:
    if settings.archive and not settings.archive.startswith("/"):
        return [SettingsProblem("archive", f"“{settings.archive}” depends on where one stands; give the whole path, /…")]
    elsewhere = ["database_url"] if settings.database_url else []
    elsewhere += ["files_url"] if urlsplit(settings.files_url).scheme == "s3" else []
    if not settings.archive or not elsewhere:
        return []
    return [
        SettingsProblem(
            "archive",
            f"is for what this machine keeps, and {' and '.join(elsewhere)} name other places; archive there (PostgreSQL's "
            "archive_command, versions of the bucket), and leave this setting empty.",
        )
    ]


def _bad_secret(settings: Settings) -> list[SettingsProblem]:
    help_command = 'make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
    weak = f"too short or too simple, {SHORTEST_SECRET} characters at least; {help_command}"
    found = [SettingsProblem(name, weak) for name in SECRETS if _is_weak(getattr(settings, name))]
    if settings.distributed and not settings.secret_key:
        missing = f"is missing, and with parts on other machines it must be given; {help_command}"
        found.append(SettingsProblem("secret_key", missing))
    return found


def _is_weak(secret: str) -> bool:
    return bool(secret) and (len(secret) < SHORTEST_SECRET or secret.lower() in KNOWN_SECRETS or len(set(secret)) < 8)


def _public_debug(settings: Settings) -> list[SettingsProblem]:
    """Behind a proxy a portal listens on this machine only, and yet everybody reads it."""
    reached = urlsplit(settings.site_url).hostname if settings.site_url else None
    public = [host for host in (settings.host, reached) if host and not is_local(host)]
    if settings.debug and public:
        return [SettingsProblem("debug", f"is on while the portal is read at {public[0]}; debug pages show code and secrets.")]
    return []


def is_local(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
