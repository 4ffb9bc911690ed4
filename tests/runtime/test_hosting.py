"""Units and the web server that `./kzopen systemd` makes, tried by systemd's and nginx's own checks and by a running nginx."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.backup import series
from ckanext.kzopen.runtime.backup.making import secrets_of
from ckanext.kzopen.runtime.command import main
from ckanext.kzopen.runtime.hosting import making, notifying
from ckanext.kzopen.runtime.portal import Portal
from click.testing import CliRunner, Result

from tests.conftest import ROOT, LivePortal, free_port, portal_at
from tests.publishing.conftest import passport

HOST = "data.example.kz"
MB = 1 << 20


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a kzopen.toml of its own, and no settings of the tests' environment."""
    for name in [name for name in os.environ if name.startswith("KZOPEN_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def systemd(*words: str, **settings: Any) -> Result:
    """The command in a folder where kzopen.toml has these settings."""
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    Path("kzopen.toml").write_text(text, encoding="utf-8")
    return CliRunner().invoke(main, ["systemd", *words])


def test_systemd_itself_finds_no_fault_in_the_units(elsewhere: Path) -> None:
    backups = elsewhere / "backups"
    told = systemd("--to", str(elsewhere), "--backups", str(backups), data=str(elsewhere / "data"), site_title="Ашық 100%")
    assert told.exit_code == 0, told.output
    units = [str(elsewhere / name) for name in (*making.SERVICE, *making.BACKUPS)]
    verified = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    assert not [line for line in verified.stderr.splitlines() if "kzopen" in line], verified.stderr
    assert verified.returncode == 0, verified.stderr


def test_units_name_the_account_the_data_and_the_folder_of_the_settings(elsewhere: Path) -> None:
    unit = systemd(data=str(elsewhere / "data")).output
    assert f"\nUser={getpass.getuser()}\n" in unit
    assert f"\nWorkingDirectory={elsewhere}\n" in unit
    assert f"\nExecStart={ROOT / 'kzopen'} serve --data {elsewhere / 'data'}\n" in unit
    assert "@" not in unit


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--user", "nobody-at-all"), "sudo useradd --system --create-home nobody-at-all"),
        (("--data", "a folder"), "choose a path of letters"),
    ],
)
def test_what_a_unit_cannot_hold_is_refused_with_a_sentence(words: tuple[str, ...], said: str) -> None:
    refused = systemd(*words)
    assert refused.exit_code == 1
    assert said in refused.output


def test_what_the_settings_lack_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "site_url" in systemd().stderr
    assert "trusted_proxies = 1" in systemd(site_url=f"https://{HOST}").stderr
    whole = systemd(site_url=f"https://{HOST}", trusted_proxies=1)
    assert whole.stderr == ""
    assert f"server_name {HOST};" in whole.stdout
    monkeypatch.setenv("KZOPEN_SECRET_KEY", "k" * 40)
    told = systemd(site_url=f"https://{HOST}", trusted_proxies=1)
    assert "KZOPEN_SECRET_KEY" in told.stderr
    assert "k" * 40 not in told.output + told.stderr


def test_an_inner_web_server_adds_the_address_that_it_saw_to_the_outer_ones() -> None:
    inner = systemd(site_url=f"https://{HOST}", trusted_proxies=2).stdout
    assert "X-Forwarded-For $proxy_add_x_forwarded_for;" in inner
    assert "X-Forwarded-For $remote_addr;" in systemd(site_url=f"https://{HOST}", trusted_proxies=1).stdout


def test_the_service_manager_hears_when_the_portal_is_up(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(elsewhere / "notify"))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(elsewhere / "notify"))
        notifying.tell("READY=1")
        assert manager.recv(100) == b"READY=1"
    notifying.tell("STOPPING=1")  # a manager that is gone stops no portal


def test_of_archives_in_a_folder_the_newest_stay(tmp_path: Path) -> None:
    names = [f"kzopen-data.example.kz-2026-03-0{day}T021000Z.tar" for day in range(1, 6)]
    others = ["kzopen-127.0.0.1-5000-2026-03-01T021000Z.tar", "kzopen-before-upgrade-2026-03-01T021000Z.tar", "mine.tar"]
    for name in [*names, *others]:
        (tmp_path / name).touch()
        secrets_of(tmp_path / name).touch()
    assert [path.name for path in series.keep_newest(tmp_path, f"https://{HOST}", 2)] == names[:3]
    left = sorted(path.name for path in tmp_path.glob("*.tar"))
    assert left == sorted([*names[3:], *others])
    assert sorted(path.name for path in tmp_path.glob("*.json")) == [f"{name}.secrets.json" for name in left]
    made = series.name_in(tmp_path, "http://127.0.0.1:5000")
    made.touch()
    assert [path.name for path in series.keep_newest(tmp_path, "http://127.0.0.1:5000", 1)] == others[:1]
    assert made.exists()


def certificate(folder: Path) -> None:
    """A certificate for this machine that nobody else trusts."""
    words = ["-newkey", "rsa:2048", "-nodes", "-keyout", "privkey.pem", "-out", "fullchain.pem", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", "req", "-x509", *words, *names], cwd=folder, check=True, capture_output=True)


@contextmanager
def nginx(folder: Path, portal: Portal, outer: int) -> Iterator[httpx.Client]:
    """A reader who reaches the portal only through an nginx with the file that was made for it, its ports but for `outer`."""
    plain = free_port()
    made = making.files_of(portal, making.Wanted(getpass.getuser(), folder))["nginx.conf"]
    for here, there in (
        ("listen 80", f"listen {plain}"),
        ("listen [::]:80", f"listen [::1]:{plain}"),
        ("listen 443", f"listen {outer}"),
        ("listen [::]:443", f"listen [::1]:{outer}"),
        ("/etc/letsencrypt/live/localhost", str(folder)),
    ):
        assert here in made
        made = made.replace(here, there)
    certificate(folder)
    (folder / "made.conf").write_text(made)
    folders = "".join(f"{name}_temp_path {folder / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    around = f"pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off; events {{}}"
    (folder / "nginx.conf").write_text(f"{around} http {{ access_log off; {folders} include {folder}/made.conf; }}")
    command = [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr, checked.stderr
    trusted = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))
    server = subprocess.Popen(command)
    try:
        with httpx.Client(base_url=f"https://localhost:{outer}", verify=trusted, timeout=60) as reader:
            until = time.monotonic() + 10
            while socket.socket().connect_ex(("127.0.0.1", outer)) and time.monotonic() < until:
                time.sleep(0.1)
            redirected = httpx.get(f"http://127.0.0.1:{plain}/about", headers={"Host": "localhost"})
            assert (redirected.status_code, redirected.headers["location"]) == (301, "https://localhost/about")
            yield reader
    finally:
        server.terminate()
        server.wait(10)


def is_read(reader: httpx.Client) -> httpx.Response:
    """A page that comes as a reader's browser wants it; what the reader says of the way is a lie."""
    page = reader.get("/kk/user/login", headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"})
    assert page.status_code == 200
    assert page.headers["content-encoding"] == "gzip"
    return page


def takes_a_large_body(reader: httpx.Client, portal: LivePortal, owner: str, name: str) -> httpx.Response:
    """The answer to forty megabytes whose length is not told before."""
    agent = {"Authorization": portal.accounts["operator"]["token"]}
    reader.put(f"/api/universal/v1/datasets/{name}", json=passport(owner), headers=agent).raise_for_status()
    piece = b"000140000012,x,1\n" * 1000

    def body() -> Iterator[bytes]:
        yield b"bin,name,pupils\n"
        for _ in range(40 * MB // len(piece)):
            yield piece

    answer = reader.post(
        f"/api/universal/v1/datasets/{name}/rows?check=only", content=body(), headers=agent | {"Content-Type": "text/csv"}
    )
    assert answer.status_code == 202, answer.text[:500]
    return answer


def test_a_portal_is_read_and_sent_to_through_the_made_nginx(live_portal: LivePortal, tmp_path: Path) -> None:
    """The portal knows nothing of the address; what depends on that is in the long form."""
    port, outer = int(live_portal.url.rsplit(":")[-1]), free_port()
    settings = Settings(data=live_portal.data, port=port, site_url=f"https://localhost:{outer}", trusted_proxies=1)
    with nginx(tmp_path, Portal(settings), outer) as reader:
        is_read(reader)
        takes_a_large_body(reader, live_portal, "demo-kolbulak", f"sent-{outer}")


@pytest.fixture
def behind_nginx(tmp_path: Path) -> Iterator[tuple[LivePortal, httpx.Client]]:
    """A portal that knows its address, and a reader who reaches it only through nginx."""
    port, outer = free_port(), free_port()
    site = f"https://localhost:{outer}"
    settings = Settings(data=tmp_path / "data", port=port, site_url=site, trusted_proxies=1)
    environment = {"KZOPEN_SITE_URL": site, "KZOPEN_TRUSTED_PROXIES": "1", "KZOPEN_REQUIRE_SECOND_FACTOR": "false"}
    with (
        portal_at(tmp_path / "data", port, demo=False, environment=environment) as portal,
        nginx(tmp_path, Portal(settings), outer) as reader,
    ):
        yield portal, reader


@pytest.mark.long
def test_a_portal_behind_the_made_nginx_is_read_signed_into_and_sent_to(
    behind_nginx: tuple[LivePortal, httpx.Client],
) -> None:
    portal, reader = behind_nginx
    page = is_read(reader)
    assert "max-age" in page.headers["strict-transport-security"]
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token
    form = {"_csrf_token": token[1], "login": "operator", "password": portal.accounts["operator"]["password"]}
    entered = reader.post("/kk/user/login", data=form, headers={"Referer": str(page.url)})
    assert entered.status_code in (302, 303), entered.text[:500]
    assert entered.headers["location"].startswith(("/", str(reader.base_url)))
    assert "Secure" in entered.headers["set-cookie"]
    addresses = {
        json.loads(line)["address"] for line in (portal.data / "logs/access/access.log").read_text().splitlines()[-2:]
    }
    assert addresses == {"127.0.0.1"}, "what a reader says of the way is not believed"

    agent = {"Authorization": portal.accounts["operator"]["token"]}
    reader.post("/api/3/action/organization_create", json={"name": "sender"}, headers=agent).raise_for_status()
    answer = takes_a_large_body(reader, portal, "sender", "sent")
    assert answer.headers["location"].startswith(str(reader.base_url))
