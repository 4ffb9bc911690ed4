"""What can go wrong: the portal says no (`Problem`, `Refused`), or it cannot be reached (`Unreachable`)."""

from __future__ import annotations

from typing import Any


class Unreachable(Exception):
    """The portal did not answer, however often it was asked."""


class Problem(Exception):
    """The portal's answer as RFC 9457 tells it: `code` and `params` for programs, `detail` a sentence for people."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status = status
        self.body = body
        self.code = str(body.get("code", ""))
        self.detail = str(body.get("detail", ""))
        self.params: dict[str, Any] = body.get("params") or {}
        super().__init__(f"{self.detail or status} [{self.code or status}]")


class Refused(Problem):
    """The rows did not pass the check; `findings` are the first of them, `delivery` is what was refused."""

    @property
    def delivery(self) -> str:
        """Number of the refused delivery, for its whole report."""
        return str(self.body["delivery"]["id"])

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The first findings of the report."""
        found: list[dict[str, Any]] = self.body["report"]["findings"]
        return found
