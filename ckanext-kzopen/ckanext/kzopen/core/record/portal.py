"""The record of the running portal: where its keys lie and under which address it is read, from CKAN's configuration."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.record import heads, keeping, keys, sealing
from ckanext.kzopen.core.record.keys import Ring
from ckanext.kzopen.core.record.receipts import receipt
from ckanext.kzopen.core.record.tables import Head

FOLDER = "record"
"""Below the data directory."""


def portal_ring() -> Ring:
    """The keys of this portal."""
    return Ring(Path(tk.config["kzopen.data"]) / FOLDER, tk.config["kzopen.record_password"])


def ensure_key() -> None:
    """Make the first key when the portal has none."""
    keys.ensure(model.Session, portal_ring())
    model.Session.commit()


def address() -> str:
    """The portal's address, without a slash at the end."""
    return str(tk.config["ckan.site_url"]).rstrip("/")


def give_receipt(leaf_id: UUID) -> dict[str, Any]:
    """The receipt of a recorded thing, for the person whom it concerns; call it after the commit.

    Raises LookupError for an unknown leaf, receipts.NotRecorded before the commit.
    """
    given = receipt(model.Session, portal_ring(), leaf_id, address())
    model.Session.commit()
    return given


def sign_head() -> Head | None:
    """Sign the log as it is now; None when it is empty."""
    head = heads.make(model.Session, portal_ring())
    model.Session.commit()
    return head


def seal_events() -> None:
    """Seal all events that wait for it."""
    while sealing.seal(model.Session):
        model.Session.commit()


def delete_past_events() -> None:
    """Delete the events that are past by the rules of keeping, batch by batch."""
    while any(past.count for past in keeping.delete_past(model.Session, datetime.now(UTC).date())):
        model.Session.commit()
