"""Where one portal keeps its things: every path below its data directory, and who may read them."""

from __future__ import annotations

import hashlib
import os
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from ckanext.kzopen.core.settings import Settings

LONGEST_SOCKET_PATH = 90  # a Unix socket's path may have 107 bytes; PostgreSQL adds "/.s.PGSQL.5432"


@dataclass(frozen=True)
class Portal:
    """One portal: its settings and its data directory."""

    settings: Settings

    @property
    def data(self) -> Path:
        """The data directory, absolute."""
        return self.settings.data.expanduser().resolve()

    @property
    def ini(self) -> Path:
        """CKAN's configuration, written anew at each start."""
        return self.data / "ckan.ini"

    @property
    def run(self) -> Path:
        """State of the running processes."""
        return self.data / "run"

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.data / "logs"

    @property
    def access(self) -> Path:
        """The access records of the web server, where `core.figures.access` looks for them."""
        return self.logs / "access" / "access.log"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's own directory."""
        return self.data / "postgres"

    @property
    def sockets(self) -> Path:
        """Directory of Unix sockets; outside `data` when that path is too long for a socket."""
        inside = self.data / "sockets"
        if len(str(inside)) <= LONGEST_SOCKET_PATH:
            return inside
        name = hashlib.sha256(str(self.data).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"kzopen-{os.getuid()}-{name}"

    @property
    def index(self) -> Path:
        """The embedded search index."""
        return self.data / "index"

    @property
    def files(self) -> Path:
        """Stored files and versions of tables, when they lie on this machine."""
        return self.data / "files"

    @property
    def languages(self) -> Path:
        """Compiled translations of CKAN's own words."""
        return self.data / "i18n"

    @property
    def metrics(self) -> Path:
        """Counters shared by the web workers (prometheus-client's multi-process directory)."""
        return self.run / "metrics"

    @property
    def secrets(self) -> Path:
        """Keys and passwords made at first start, mode 0600."""
        return self.data / "secrets.json"

    @property
    def accounts(self) -> Path:
        """Accounts made at first start with their passwords, mode 0600."""
        return self.data / "accounts.json"

    @property
    def status(self) -> Path:
        """What the supervisor last said of each process."""
        return self.run / "status.json"

    @property
    def last_backup(self) -> Path:
        """When the last whole archive was begun."""
        return self.data / "last_backup.json"

    @property
    def archived_until(self) -> Path:
        """Until when the continuous archive is complete, told also while its disk is away."""
        return self.data / "archived_until.json"

    @property
    def files_url(self) -> str:
        """Address of stored files; behind a bucket, copies lie in the data directory unless it names another place."""
        given = self.settings.files_url or f"file://{self.files}"
        if not given.startswith("s3://") or "cache=" in given:
            return given
        return f"{given}{'&' if '?' in given else '?'}cache={quote(str(self.data / 'cache' / 'files'))}"

    def order(self, words: str) -> str:
        """A command of the launcher as one types it for this portal: with its data directory, unless the settings name it."""
        if self.data == Portal(Settings()).data:
            return f"./kzopen {words}"
        data = shlex.quote(str(self.data))
        return f"KZOPEN_DATA={data} ./kzopen {words}" if words.startswith("ckan ") else f"./kzopen {words} --data {data}"

    def anew(self) -> str:
        """The commands that start a running portal again."""
        return f"{self.order('stop')} && {self.order('serve')}"

    def elsewhere(self) -> list[str]:
        """The settings at whose addresses a part of the portal's state lies: no folder that is deleted here takes it along."""
        folder = urlsplit(self.settings.files_url).path if self.settings.files_url.startswith("file:") else ""
        inside = bool(folder) and Path(folder).resolve().is_relative_to(self.data)
        names = ("database_url", "datastore_url", "redis_url", "search_url", *(() if inside else ("files_url",)))
        return [name for name in names if getattr(self.settings, name)]

    def make_folders(self) -> None:
        """Create what is missing; the data directory is for its owner only, but may be passed through.

        An embedded PostgreSQL gets the folder of sockets as its own (`services.init_postgres`); Valkey needs it, too.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        state = (self.run, self.logs, self.index, self.files, self.languages, self.metrics, self.data / "storage")
        for folder in (*state, self.sockets):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
