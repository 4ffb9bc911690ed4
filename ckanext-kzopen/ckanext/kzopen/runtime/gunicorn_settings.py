"""Settings of the web server. The portal is loaded once and forked, so that workers share its memory and start at once."""

from __future__ import annotations

import gc
import os

from ckanext.kzopen.publishing.bodies import PIECE, THREADS
from gunicorn.http.unreader import SocketUnreader
from prometheus_client import multiprocess

bind = os.environ.get("KZOPEN_BIND", "127.0.0.1:5000")
workers = int(os.environ.get("KZOPEN_WEB", "2"))
worker_class = "gthread"
threads = THREADS
preload_app = True
timeout = 120
graceful_timeout = 3
keepalive = 20  # longer than clients keep an idle connection, or the server closes it under their next request
max_requests = 20_000
max_requests_jitter = 2_000
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - heartbeat files only
control_socket_disable = True
accesslog = "-"  # gunicorn calls its logger only then; ours writes to a file of its own
logger_class = "ckanext.kzopen.runtime.access_log.AccessLogger"
# Bodies are read piece by piece; what was received beyond a piece would be copied with each that is read of it.
SocketUnreader.max_body_chunk = PIECE


def when_ready(server: object) -> None:
    """What was loaded before the fork is not looked at by the garbage collector, so its pages stay shared."""
    gc.collect()
    gc.freeze()


def post_fork(server: object, worker: object) -> None:
    """Connections made before the fork belong to the parent: the child opens its own."""
    from ckan import model
    from ckanext.datastore.backend.postgres import _engines

    for engine in (model.meta.engine, *_engines.values()):
        if engine is not None:
            engine.dispose(close=False)


def child_exit(server: object, worker: object) -> None:
    """Counters of a worker that ended stay in the sums."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[attr-defined]
