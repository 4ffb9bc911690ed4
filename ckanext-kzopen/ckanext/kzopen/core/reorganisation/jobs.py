"""What happens by itself: names, places and liquidations whose day has come, and organisations that nobody told us of."""

from __future__ import annotations

from ckan import model
from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.agencies.model import Agency
from ckanext.kzopen.core.reorganisation import due, liquidation, sweeping

EVERY_FEW_MINUTES = "*/5 * * * *"


@jobs.task("agencies.keep_up", cron=EVERY_FEW_MINUTES)
def keep_up() -> None:
    """First what is due, so that an organisation's name of yesterday is not taken for a rename."""
    due.take_effect(model.Session)
    sweeping.sweep(model.Session)


@jobs.task("agencies.hand_over")
def hand_over(agency: str) -> None:
    """The rest of a liquidated agency's things, a step a transaction: after a kill the next run goes on."""
    row = model.Session.get(Agency, agency)
    while row is not None and row.successor is not None and row.handed_over is None:
        liquidation.hand_over(model.Session, row, due.CLOCK)
        model.Session.commit()
