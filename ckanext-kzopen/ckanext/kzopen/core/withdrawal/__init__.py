"""Emergency withdrawal: one action takes a thing out of every place where it may lie; a tombstone stays.

A section tells three things about what it keeps:

    withdrawal.kinds.register(Kind("dataset", label, find))                what can be withdrawn, and how to find it
    withdrawal.register(Place("files", label, take_out, is_out))           where things may lie
    raise withdrawal.Gone(tombstone)                                       what readers of it get from then on: 410

`order` hides the thing in one transaction from everything that asks PostgreSQL; `spread` takes it out of the other places,
and is repeated by a job until every place says that it is out.
"""

from pathlib import Path

from ckanext.kzopen.core.web import errors
from ckanext.kzopen.core.withdrawal import kinds
from ckanext.kzopen.core.withdrawal.model import Withdrawal
from ckanext.kzopen.core.withdrawal.order import Order, order
from ckanext.kzopen.core.withdrawal.places import Place, places, register
from ckanext.kzopen.core.withdrawal.spread import spread
from ckanext.kzopen.core.withdrawal.things import Kind, Thing
from ckanext.kzopen.core.withdrawal.tombstones import Gone, refuse_if_gone, tombstone, tombstone_named

errors.load(Path(__file__).with_name("errors.yaml"))

__all__ = [
    "Gone",
    "Kind",
    "Order",
    "Place",
    "Thing",
    "Withdrawal",
    "kinds",
    "order",
    "places",
    "refuse_if_gone",
    "register",
    "spread",
    "tombstone",
    "tombstone_named",
]
