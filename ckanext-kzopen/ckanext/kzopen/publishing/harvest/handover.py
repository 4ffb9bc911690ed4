"""When an agency is merged or liquidated its sources go over to the successor, who owns their data sets from that day on."""

from __future__ import annotations

from typing import Any

from ckanext.kzopen.core.agencies import ownership
from ckanext.kzopen.publishing.harvest.model import Run, Source
from sqlalchemy import select, update

BATCH = 200


def move(session: Any, from_agency: str, to_agency: str) -> int:
    """At most BATCH sources, in whatever state, with their runs: they go on by their schedule in the successor's name.

    A run that is under way goes over too: it asks for its source's agency each time it takes up a batch.
    """
    found = list(session.scalars(select(Source).where(Source.agency_id == from_agency).limit(BATCH)))
    for source in found:
        source.agency_id = to_agency
    ids = [source.id for source in found]
    session.execute(update(Run).where(Run.source_id.in_(ids)).values(agency_id=to_agency))
    ownership.remember(session, "harvest_source", [str(number) for number in ids], from_agency, to_agency)
    session.flush()
    return len(found)


ownership.register("harvest_sources", move)
