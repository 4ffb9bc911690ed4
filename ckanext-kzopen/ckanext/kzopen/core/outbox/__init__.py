"""Outbox: what changed, written in the transaction that changed it, read by named consumers at their own pace.

A row is delivered to every consumer that is registered for its topic when it is written, at least once and in the order of
its number. Each delivery is acknowledged by itself, never "all up to N": numbers are given before the commit, so a smaller
number may become visible later. Works with an SQLAlchemy session or connection; nothing here imports CKAN.
"""

from __future__ import annotations

from ckanext.kzopen.core.outbox.consumers import acknowledge, forget, register, take
from ckanext.kzopen.core.outbox.emission import NEWS_CHANNEL, News, emit, emit_all, emit_many, wake
from ckanext.kzopen.core.outbox.upkeep import Pending, pending, prune, waiting
from ckanext.kzopen.core.outbox.values import Consumer, Executor, Message

__all__ = [
    "NEWS_CHANNEL",
    "Consumer",
    "Executor",
    "Message",
    "News",
    "Pending",
    "acknowledge",
    "emit",
    "emit_all",
    "emit_many",
    "forget",
    "pending",
    "prune",
    "register",
    "take",
    "waiting",
    "wake",
]
