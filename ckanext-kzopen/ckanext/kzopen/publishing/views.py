"""The staff's pages of the publish path, under `/staff`."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("kzopen_staff", __name__, url_prefix="/staff")
