"""Codes of an application, pure: secrets, the picture that carries one, and which step of time a code belongs to."""

from __future__ import annotations

import hmac

import pyotp
import segno

STEP = 30  # seconds
DRIFT = 1  # steps that a clock may be before or behind


def new_secret() -> str:
    """160 bits in Base32, as RFC 4226 asks for."""
    return pyotp.random_base32(32)


def address(secret: str, account: str, portal: str) -> str:
    """What the picture says to the application (otpauth://)."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=portal)


def picture(text: str) -> str:
    """The text as a QR code, SVG for a page: black on white whatever the page's colours."""
    return str(segno.make(text, error="m").svg_inline(scale=4, border=4, light="#fff", omitsize=True))


def step_of(secret: str, code: str, now: float, last: int) -> int | None:
    """The step of time to which the code belongs, at most DRIFT away from now and after `last`; None for a wrong one.

    A code that was used once (its step is `last`) is refused, and so are those before it (RFC 6238, 5.2).
    """
    plain = code.replace(" ", "")
    if len(plain) != 6 or not plain.isascii() or not plain.isdecimal():
        return None
    generator, current = pyotp.TOTP(secret), int(now) // STEP
    steps = (current + shift for shift in range(-DRIFT, DRIFT + 1))
    return next((s for s in steps if s > last and hmac.compare_digest(generator.at(s * STEP), plain)), None)
