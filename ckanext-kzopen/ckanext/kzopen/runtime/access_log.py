"""gunicorn's logger, which writes the access records that figures are counted from."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from ckanext.kzopen.core.figures.access.record import Records, line
from gunicorn.glogging import Logger


class AccessLogger(Logger):
    """gunicorn's own logging, and a record of each request in the file that KZOPEN_ACCESS names."""

    def setup(self, cfg: Any) -> None:
        """As gunicorn does; without an address no records are kept."""
        super().setup(cfg)
        path = os.environ.get("KZOPEN_ACCESS", "")
        self.records = Records(Path(path)) if path else None

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """One record; a full disk costs the record and nothing else (logging says so on standard error)."""
        if self.records is not None:
            status = int(str(resp.status).split(None, 1)[0])
            self.records.add(line(environ, status, getattr(resp, "sent", 0) or 0, request_time.total_seconds()))
