"""The certificate of the record as a PDF: a page for people, with the certificate itself inside it, signed as a whole.

The words are those of the reader's language; what was recorded stands there verbatim. The JSON certificate is attached as
`certificate.json`: whoever does not trust the page gives that to the verifier. The signature (PAdES) is made with the record's
own key, Ed25519, under a certificate that the key signs itself: readers' programs say that the file is unchanged and that they
do not know the signer, whose key is in `/record/keys.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.record.keys import Ring
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from fontpkg_pt_sans import ROOT
from fpdf import FPDF
from fpdf.fonts import FontFace
from pyhanko.keys.internal import translate_pyca_cryptography_cert_to_asn1, translate_pyca_cryptography_key_to_asn1
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, SimpleSigner, sign_pdf
from pyhanko_certvalidator.registry import SimpleCertificateStore

FONTS = ROOT / "files"
FONT = "PT Sans"
ATTACHED = "certificate.json"
LASTS = timedelta(days=365 * 100)  # the statement of the key says when it ended
GREY = FontFace(color=(90, 90, 90))
WIDE, NARROW, LINE = 190, 45, 5.5  # millimetres of an A4 page with margins of 10


def certificate_pdf(certificate: Mapping[str, Any], ring: Ring, title: str) -> bytes:
    """The signed PDF of a JSON certificate, in the language of the request. Raises keys.KeyMissing."""
    private = ring.private(certificate["key"])
    return _signed(bytes(_drawn(certificate, title).output()), private, certificate)


def _drawn(certificate: Mapping[str, Any], title: str) -> FPDF:
    page = FPDF()
    for style, name in (("", "Regular"), ("B", "Bold")):
        page.add_font(FONT, style, FONTS / f"PT_Sans-Web-{name}.ttf")
    page.set_title(title)
    page.set_margin(10)
    page.set_auto_page_break(auto=True, margin=15)
    page.add_page()
    _say(page, tk._("Certificate of the public record"), size=18, bold=True)
    _say(page, title, size=13)
    page.ln(3)
    _rows(page, _summary(certificate))
    for number, entry in enumerate(certificate["leaves"], start=1):
        page.ln(3)
        _say(page, f"{number}. {_when(entry)}", size=11, bold=True)
        _rows(page, _entry(entry))
    page.ln(4)
    _say(page, tk._("How to check"), size=13, bold=True)
    for sentence in _advice():
        _say(page, sentence)
    content = json.dumps(certificate, ensure_ascii=False).encode()
    page.embed_file(bytes=content, basename=ATTACHED, desc=certificate["type"])
    return page


def _summary(certificate: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield tk._("Address of the portal"), certificate["portal"]
    yield tk._("Recorded until"), certificate["until"]
    yield tk._("Given"), certificate["at"]
    yield tk._("Entries"), str(len(certificate["leaves"]))
    for part in ("subject", "content"):
        yield from ((str(name), _text(value)) for name, value in certificate[part].items())
    yield tk._("Size of the log"), str(certificate["head"]["size"])
    yield tk._("Root of the log"), certificate["head"]["root"]
    yield tk._("Key of the record"), certificate["key"]


def _entry(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was recorded, verbatim, and its place; of an erased text only the reason is left."""
    leaf = entry["leaf"]
    if leaf is None:
        yield tk._("The text was erased"), str(entry["erased"])
    else:
        yield tk._("What"), f"{leaf['kind']} {leaf['object']}"
        yield from ((str(name), _text(value)) for name, value in leaf["record"].items())
    yield tk._("Place in the log"), str(entry["index"])
    yield "SHA-256", entry["hash"]


def _when(entry: Mapping[str, Any]) -> str:
    return str(entry["leaf"]["at"]) if entry["leaf"] else str(tk._("The text was erased"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _advice() -> Iterator[str]:
    yield tk._("The file certificate.json is attached to this PDF. It holds all texts, hashes, proofs and signatures.")
    yield tk._("Give it to kzopen_verifier.py, one Python file without network: verify certificate.json --key PUBLIC_KEY.")
    yield tk._("It proves what is in it. That nothing was left out, only a copy of the whole log can show.")


def _say(page: FPDF, words: str, *, size: float = 10, bold: bool = False) -> None:
    page.set_font(FONT, "B" if bold else "", size)
    page.multi_cell(WIDE, size * 0.5, words, new_x="LMARGIN", new_y="NEXT", align="L")


def _rows(page: FPDF, rows: Iterable[tuple[str, str]]) -> None:
    """Names and their values, which may take many lines."""
    page.set_font(FONT, "", 9)
    with page.table(
        col_widths=(NARROW, WIDE - NARROW),
        borders_layout="NONE",
        first_row_as_headings=False,
        line_height=LINE,
        text_align="LEFT",
        v_align="TOP",
    ) as table:
        for name, value in rows:
            row = table.row()
            row.cell(name, style=GREY)
            row.cell(value)


def _signed(content: bytes, private: Ed25519PrivateKey, certificate: Mapping[str, Any]) -> bytes:
    own = translate_pyca_cryptography_cert_to_asn1(_own_certificate(private, certificate))
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    signer = SimpleSigner(own, translate_pyca_cryptography_key_to_asn1(private), store)
    about = PdfSignatureMetadata(
        field_name="Record", md_algorithm="sha512", subfilter=SigSeedSubFilter.PADES, location=certificate["portal"]
    )
    target = BytesIO()
    sign_pdf(IncrementalPdfFileWriter(BytesIO(content)), about, signer=signer, output=target)
    return target.getvalue()


def _own_certificate(private: Ed25519PrivateKey, certificate: Mapping[str, Any]) -> x509.Certificate:
    """The record's key as an X.509 certificate that it signs itself, from the day of its statement on."""
    key = certificate["key"]
    since = next(statement["since"] for statement in certificate["keys"] if statement["key"] == key)
    start = datetime.fromisoformat(since).astimezone(UTC)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, certificate["portal"][:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Public record, key {key[:16]}"),
        ]
    )
    made = x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=private.public_key())
    made = made.serial_number(int(key[:39], 16)).not_valid_before(start).not_valid_after(start + LASTS)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return made.add_extension(usage, critical=True).sign(private, None)
