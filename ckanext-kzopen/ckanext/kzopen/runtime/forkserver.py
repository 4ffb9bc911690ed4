"""The process from which those that need CKAN are born by fork: it is loaded once, and they share its memory.

`python -m ckanext.kzopen.runtime.forkserver` takes `KZOPEN_INI` and, as standard input, a Unix socket to the supervisor. It
says `ready`. Then each line is an order, `{"role": …, "name": …, "log": …, "stop_signal": …, "parent": …, "environment": …}`;
the answer is the process id of a new process, which begins when the supervisor has said `go`: none lives that it knows not.
It is a child of the supervisor, to which it is given as an orphan: so the fork server may die without any of them.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from ckanext.kzopen.runtime.parenthood import end_with_parent, name_process

READY, GO = "ready", "go"
_ARGUMENTS = "gunicorn --config python:ckanext.kzopen.runtime.gunicorn_settings ckanext.kzopen.runtime.wsgi:application"


def main() -> None:
    """Load CKAN, then bear processes until the supervisor is gone."""
    name_process("forkserver")
    # Whoever imports it loads the portal, and who imports it again has what was loaded.
    importlib.import_module("ckanext.kzopen.runtime.wsgi")
    forget_connections()
    gc.collect()
    gc.freeze()  # what is not looked at by the garbage collector stays shared
    serve(socket.socket(fileno=os.dup(0)))


def serve(orders: socket.socket) -> None:
    """Bear what is ordered until nobody is at the other end."""
    orders.sendall(f"{READY}\n".encode())
    with orders.makefile() as lines:
        for line in lines:
            child, begin = _born(json.loads(line), orders)
            orders.sendall(f"{child}\n".encode())
            if lines.readline() == f"{GO}\n":
                os.write(begin, b"!")
            os.close(begin)


def forget_connections() -> None:
    """Close the connections that loading has opened: two processes must not speak through one."""
    from ckan import model
    from ckan.lib.redis import connect_to_redis
    from ckanext.datastore.backend.postgres import _engines

    connect_to_redis().connection_pool.disconnect()
    model.Session.remove()
    for engine in (model.meta.engine, *_engines.values()):
        if engine is not None:
            engine.dispose()


def _born(order: dict[str, Any], orders: socket.socket) -> tuple[int, int]:
    """The number of a process of this role, a child of the supervisor by now, and the pipe on which it hears when to begin."""
    sys.stdout.flush()
    sys.stderr.flush()
    told, tell = os.pipe()
    hears, begin = os.pipe()
    between = os.fork()
    if between == 0:
        try:
            os.close(begin)
            _bear(order, tell, hears, [told, tell, hears, orders.detach()])
        finally:
            os._exit(1)
    os.close(tell)
    os.close(hears)
    os.waitpid(between, 0)
    with os.fdopen(told) as number:
        return int(number.read()), begin  # a ValueError where there was no room for a process: then this one begins anew


def _bear(order: dict[str, Any], tell: int, hears: int, opened: list[int]) -> None:
    """In the process between the two: tell the number of the child, which lives when it hears that it may, and only then."""
    if child := os.fork():
        os.write(tell, str(child).encode())
        os._exit(0)
    os.close(tell)
    if os.read(hears, 1):
        for left in set(opened) - {tell}:
            os.close(left)
        _live(order)


def _live(order: dict[str, Any]) -> NoReturn:
    """The life of a process that was born here; its exit code is that of its role."""
    code: int | None = None
    try:
        os.setsid()
        end_with_parent(signal.Signals(order["stop_signal"]), expected=order["parent"])
        name_process(order["name"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(order["environment"])
        ROLES[order["role"]]()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        if code is None:
            traceback.print_exc()
        threading._shutdown()  # type: ignore[attr-defined]  # as Python ends: what a thread is sending is sent to its end
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1 if code is None else code)


def _web() -> None:
    """gunicorn, as its command line starts it."""
    from gunicorn.app.wsgiapp import run

    sys.argv = _ARGUMENTS.split()
    run()


def _worker() -> None:
    """The worker of the queues."""
    from ckanext.kzopen.core.jobs import worker
    from ckanext.kzopen.core.jobs.runner import Runner
    from ckanext.kzopen.runtime import wsgi

    worker.work(os.environ["KZOPEN_INI"], Runner(wsgi.flask_app))


def _ckan_worker() -> None:
    """CKAN's own worker, as `ckan jobs worker` starts it."""
    from ckan.cli.jobs import worker

    worker.main([], standalone_mode=False)


ROLES: dict[str, Callable[[], None]] = {"web": _web, "worker": _worker, "ckan-worker": _ckan_worker}

if __name__ == "__main__":
    main()
