"""What templates ask of agencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ckan import model
from ckanext.kzopen.core.agencies import history, names
from ckanext.kzopen.core.agencies.kinds import KIND_NAMES
from ckanext.kzopen.core.agencies.model import Agency, today
from ckanext.kzopen.core.reorganisation import showing
from ckanext.kzopen.core.texts import ASTANA


def kz_agency_card(organization_id: str) -> dict[str, Any] | None:
    """All that the page of an organisation tells of the agency; None for one that is not known yet."""
    row = model.Session.get(Agency, organization_id)
    if row is None:
        return None
    card = showing.whole(model.Session, row)
    former = [name for name in card["names"] if name["until"] and name["until"] < today().isoformat()]
    coming = [name for name in card["names"] if name["since"] and name["since"] > today().isoformat()]
    below = model.Session.query(Agency).filter(Agency.parent == row.id, Agency.state == "active")
    first = [showing.brief(each) for each in below.order_by(Agency.name_kk, Agency.address)]
    return card | {"kind_name": KIND_NAMES[row.kind], "former": former[::-1], "coming": coming, "below": first}


def kz_owners_then(package: Mapping[str, Any], versions: Iterable[Any]) -> dict[int, dict[str, str]]:
    """The name that the owner of each version had then, by its number; {} when all of them are called as today."""
    owner = str(package.get("owner_org") or "")
    present = names.name_of(model.Session, owner)
    then = {version.number: _name_then(str(package["id"]), owner, version.created) for version in versions}
    return then if any(name != present for name in then.values()) else {}


def _name_then(package_id: str, owner: str, moment: datetime) -> dict[str, str]:
    agency = history.owner_at(model.Session, "data_set", package_id, owner, moment)
    return names.name_of(model.Session, agency, moment.astimezone(ASTANA).date())


HELPERS = (kz_agency_card, kz_owners_then)
