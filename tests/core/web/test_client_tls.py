"""https: the certificate is checked against the name, although the number is what is called."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from ckanext.kzopen.core.web import KzError
from ckanext.kzopen.core.web.addresses import networks
from ckanext.kzopen.core.web.client import Client, Limits
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Secure:
    """A running https server for `data.example`: its port and the certificate that it shows."""

    port: int
    certificate: Path


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for data.example and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "data.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("data.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*plain))
    return folder / "cert.pem", folder / "key.pem"


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Secure]:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), Hello)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield Secure(server.server_port, certificate)
    server.shutdown()
    server.server_close()


def client(trust: ssl.SSLContext | None = None) -> Client:
    limits = Limits(connect=2, read=2, total=4)
    return Client(networks("127.0.0.0/8"), limits, resolver=lambda _host, _port: ["127.0.0.1"], trust=trust)


def test_a_certificate_that_nobody_vouches_for_is_refused(secure: Secure) -> None:
    with client() as asking, pytest.raises(KzError) as caught:
        asking.get(f"https://data.example:{secure.port}/")
    assert caught.value.code == "client.unreachable"


def test_a_trusted_certificate_for_the_name_is_taken(secure: Secure) -> None:
    with client(ssl.create_default_context(cafile=str(secure.certificate))) as asking:
        assert asking.get(f"https://data.example:{secure.port}/")[1] == b"hello"


def test_a_trusted_certificate_for_another_name_is_refused(secure: Secure) -> None:
    with client(ssl.create_default_context(cafile=str(secure.certificate))) as asking, pytest.raises(KzError) as caught:
        asking.get(f"https://other.example:{secure.port}/")
    assert caught.value.code == "client.unreachable"
