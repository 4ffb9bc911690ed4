"""A catalogue that speaks CKAN's action API, in a process of its own: `python -m bench._catalogue PORT SETS [SECONDS]`.

Its data sets have one small table each. It costs next to nothing, so that the harvester is measured and not the source.
With SECONDS it drips a byte a second for so long instead of answering.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


def package(number: int, address: str) -> dict[str, Any]:
    """Data set `number`, as `package_show` tells it."""
    name = f"set-{number:05d}"
    resource = {"id": f"10000000-0000-4000-8000-{number:012d}", "format": "CSV", "url": f"{address}/file/{name}.csv"}
    told = {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "name": name,
        "title": f"Набор {number}",
        "metadata_modified": "2026-01-01T00:00:00",
    }
    return told | {"notes": "О наборе", "tags": [], "license_id": "", "resources": [resource], "res_format": ["CSV"]}


class Catalogue(BaseHTTPRequestHandler):
    """package_search, package_show, package_list and the files."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Head and body go in one packet: of two, the second waits 40 ms for the first to be acknowledged. Figures from before
    2026-11-30 have that wait in them, on both sides."""
    sets = 0
    seconds = 0.0

    def do_GET(self) -> None:
        """Answer, or drip."""
        if self.seconds:
            self._drip()
            return
        parts = urlsplit(self.path)
        values = {name: found[0] for name, found in parse_qs(parts.query).items()}
        address = f"http://{self.headers['Host']}"
        action = parts.path.rsplit("/", 1)[-1]
        if action == "package_search":
            start, rows = int(values.get("start", 0)), int(values.get("rows", 10))
            found = [package(number, address) for number in range(start, min(self.sets, start + rows))]
            self._send(json.dumps({"success": True, "result": {"count": self.sets, "results": found}}))
        elif action == "package_show":
            number = int(values["id"].rsplit("-", 1)[-1])
            self._send(json.dumps({"success": True, "result": package(number, address)}))
        elif parts.path.startswith("/file/"):
            number = int(action.removesuffix(".csv").rsplit("-", 1)[-1])
            self._send("code,name,amount\n" + "".join(f"k{row},Жол {row},{row * number}\n" for row in range(10)))
        else:
            self.send_error(404)

    def _send(self, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(1)

    def log_message(self, *_: Any) -> None:
        """Silent."""


if __name__ == "__main__":
    Catalogue.sets = int(sys.argv[2])
    Catalogue.seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Catalogue).serve_forever()
