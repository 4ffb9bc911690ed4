"""What CKAN itself keeps for an organisation goes over to a successor: data sets, members, and the agencies below."""

from __future__ import annotations

from datetime import UTC, datetime

from ckan import model
from ckanext.kzopen.core import states
from ckanext.kzopen.core.agencies import ownership, tree
from ckanext.kzopen.core.agencies.model import Agency, AnySession, today
from ckanext.kzopen.core.reorganisation import dated, store
from ckanext.kzopen.core.reorganisation.staff import members
from ckanext.kzopen.core.reorganisation.telling import granted
from sqlalchemy import select, update

BATCH = 200
CLOCK = "system:agencies"


def data_sets(session: AnySession, from_agency: str, to_agency: str) -> int:
    """At most BATCH data sets, drafts and deleted ones too; CKAN's session tells search of each."""
    packages = list(session.scalars(select(model.Package).where(model.Package.owner_org == from_agency).limit(BATCH)))
    ids = [package.id for package in packages]
    for package in packages:
        package.owner_org = to_agency
        package.metadata_modified = datetime.now(UTC).replace(tzinfo=None)
    link = (model.Member.table_name == "package", model.Member.table_id.in_(ids), model.Member.group_id == from_agency)
    session.execute(
        update(model.Member).where(*link).values(group_id=to_agency).execution_options(synchronize_session="fetch")
    )
    ownership.remember(session, "data_set", ids, from_agency, to_agency)
    session.flush()
    return len(ids)


def subordinates(session: AnySession, from_agency: str, to_agency: str) -> int:
    """The agencies directly below answer to the successor from today on; the successor itself to whom the other answered."""
    below = list(session.scalars(select(Agency).where(Agency.parent == from_agency, Agency.state == "active")))
    above = set(tree.ancestors(session, to_agency))
    for row in below:
        parent = to_agency if row.id != to_agency and row.id not in above else session.get_one(Agency, from_agency).parent
        states.change(session, "agency", row, "move", CLOCK, allowed=granted, effective=today(), parent=parent)
        dated.put_parent(session, row.id, today(), parent)
        store.write(session, row)
    return len(below)


def register() -> None:
    """Once in a process."""
    for move in (data_sets, members, subordinates):
        ownership.register(move.__name__, move)
