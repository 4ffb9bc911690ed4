"""What search does by itself: documents for sections that are new here, and for rows that changed past CKAN's sessions."""

from __future__ import annotations

from ckan import model
from ckanext.kzopen.core import jobs, outbox
from ckanext.kzopen.search import rebuild, topics

EVERY_FEW_MINUTES = "*/5 * * * *"


@jobs.task("search.keep_up", cron=EVERY_FEW_MINUTES)
def keep_up() -> None:
    """Have documents made for things without one, and removed for things that are gone."""
    lacking, surplus = rebuild.things_out_of_step()
    things = [*lacking, *surplus]
    if things:
        outbox.emit_many(model.Session, topics.STALE_THING, things)
    model.Session.commit()
