"""The certificate of a table's versions: JSON that the verifier accepts, and a signed PDF with that JSON inside."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from asn1crypto.x509 import Certificate
from ckan import model
from ckanext.kzopen.core.record import append, keys
from ckanext.kzopen.rows.model import latest
from fpdf import FPDF
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from api_clients.verifier import kzopen_verifier as verifier
from tests.rows.conftest import Publish


@pytest.fixture
def recorded(uri: str, publish: Publish) -> str:
    """The URI of a table with a version that is in the record."""
    made = publish()
    told = {"uri": uri, "version": made.number, "sha256": made.sha256, "rows": made.rows, "note": "Әділет, Ғылым, Қоғам"}
    append(model.Session, "version", made.package_id, told)
    model.Session.commit()
    return uri


def public_key() -> bytes:
    key = keys.in_use(model.Session)
    assert key is not None
    return key.public


def pdf(app: Any, uri: str, language: str = "en") -> bytes:
    answer = app.get(f"/{language}/data/{uri}/certificate.pdf")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{uri}-certificate.pdf"'
    return bytes(answer.data)


def signature_of(content: bytes) -> EmbeddedPdfSignature:
    (signature,) = PdfFileReader(io.BytesIO(content)).embedded_signatures
    return signature


def attached(content: bytes) -> dict[str, Any]:
    names = PdfFileReader(io.BytesIO(content)).root["/Names"]["/EmbeddedFiles"]["/Names"]
    assert str(names[0]).endswith("certificate.json")
    found: dict[str, Any] = json.loads(names[1]["/EF"]["/F"].data)
    return found


def test_the_json_is_accepted_by_the_verifier(app: Any, recorded: str) -> None:
    answer = app.get(f"/data/{recorded}/certificate.json")
    assert answer.headers["Cache-Control"] == "no-store, private"
    given = answer.json
    assert verifier.verify(given, public_key()) == [("certified", {"count": 1})]
    assert given["leaves"][0]["leaf"]["record"]["sha256"] == latest(model.Session(), recorded).sha256


def test_the_pdf_is_signed_with_the_key_of_the_record(app: Any, recorded: str) -> None:
    signature = signature_of(pdf(app, recorded))
    own: Certificate = signature.signer_cert
    assert own.public_key["public_key"].native == public_key()
    status = validate_pdf_signature(signature, ValidationContext(trust_roots=[own]))
    assert (status.intact, status.valid, status.trusted, status.coverage.name) == (True, True, True, "ENTIRE_FILE")


def test_the_certificate_inside_the_pdf_is_accepted_by_the_verifier(app: Any, recorded: str) -> None:
    assert verifier.verify(attached(pdf(app, recorded)), public_key()) == [("certified", {"count": 1})]


def test_a_changed_pdf_is_found(app: Any, recorded: str) -> None:
    content = pdf(app, recorded)
    place = content.index(b"stream\n") + 20
    changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    trusted = ValidationContext(trust_roots=[signature_of(content).signer_cert])
    assert validate_pdf_signature(signature_of(content), trusted).intact
    assert not validate_pdf_signature(signature_of(changed), trusted).intact


@pytest.mark.parametrize(
    ("language", "heading"),
    [
        ("kk", "Ашық журналдың куәлігі"),
        ("ru", "Свидетельство публичного журнала"),
        ("en", "Certificate of the public record"),
    ],
)
def test_the_page_speaks_the_reader_s_language_and_has_a_letter_for_each_of_its_signs(
    app: Any, recorded: str, language: str, heading: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    drawn = FPDF.multi_cell

    def noted(page: FPDF, *given: Any, **more: Any) -> Any:
        said.append(str(more.get("text", given[2] if len(given) > 2 else "")))
        return drawn(page, *given, **more)

    monkeypatch.setattr(FPDF, "multi_cell", noted)
    missing: list[Any] = []
    monkeypatch.setattr("fpdf.output.LOGGER.warning", lambda *words: missing.append(words))
    pdf(app, recorded, language)
    assert (said[0], missing) == (heading, [])


def test_nothing_recorded_has_no_certificate(app: Any, uri: str, publish: Publish) -> None:
    publish()
    assert app.get(f"/data/{uri}/certificate.pdf").status_code == 404
    assert app.get("/data/no-such-table/certificate.json").status_code == 404
