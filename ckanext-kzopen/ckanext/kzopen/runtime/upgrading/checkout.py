"""The checkout from which a portal runs, as git knows it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
MIGRATIONS = "*/migration/*"
LIBRARIES = ("requirements.txt", "overrides.txt", "setup.py", "pyproject.toml")


class NoCheckout(Exception):
    """The code cannot be switched; the message says why and what helps."""


@dataclass(frozen=True)
class Checkout:
    """A git checkout of the project."""

    root: Path

    def git(self, *words: str) -> str:
        """What git says; raises NoCheckout with its words, as do all that ask it."""
        if not (self.root / ".git").exists():
            raise NoCheckout(f"{self.root} is no git checkout; of a bundle, unpack the newer one (docs/operator.md)")
        try:
            done = subprocess.run(["git", *words], cwd=self.root, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise NoCheckout("git is not installed: sudo apt install git") from error
        if done.returncode:
            raise NoCheckout(f"git {words[0]}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout.strip()

    @property
    def commit(self) -> str:
        """The commit that lies in the checkout."""
        return self.git("rev-parse", "HEAD")

    @property
    def name(self) -> str:
        """How to get back to what lies in the checkout: the branch, or the commit where there is none."""
        return self.git("branch", "--show-current") or self.commit

    def changed(self) -> list[str]:
        """Files of the project that somebody has changed here."""
        return self.git("status", "--porcelain", "--untracked-files=no").splitlines()

    def fetch(self) -> None:
        """Ask the place where the checkout came from for what is new; raises NoCheckout when it does not answer."""
        if self.git("remote"):
            self.git("fetch", "--quiet", "--tags")

    def newest_release(self) -> str:
        """The tag of the newest release (v1.2.3); raises NoCheckout when there is none."""
        found = [tag for tag in self.git("tag", "--list", "v*").split() if RELEASE.fullmatch(tag)]
        if not found:
            raise NoCheckout("there is no release (a tag such as v1.2.3); name a tag, a branch or a commit")
        return max(found, key=_numbers)

    def resolve(self, wanted: str) -> str:
        """The commit of a tag, a branch of the place where the checkout came from, or a commit."""
        for name in (f"refs/tags/{wanted}", f"refs/remotes/origin/{wanted}", wanted):
            try:
                return self.git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
            except NoCheckout:
                continue
        raise NoCheckout(f"there is no tag, branch or commit {wanted}; git tag --list shows the releases")

    def is_older(self, commit: str) -> bool:
        """Whether a commit is among those that led to what lies here."""
        return self.git("merge-base", "HEAD", commit) == commit

    def commits_to(self, commit: str) -> list[str]:
        """The subjects of the commits that would come, the newest first."""
        return self.git("log", "--format=%s", f"HEAD..{commit}").splitlines()

    def differs(self, commit: str, *paths: str) -> bool:
        """Whether files at these paths (git's patterns) are others there."""
        return bool(self.git("diff", "--name-only", "HEAD", commit, "--", *paths))

    def switch(self, name: str, force: bool = False) -> None:
        """Bring a branch or a commit into the checkout; by force also over what somebody changed here."""
        words = ["--discard-changes"] if force else []
        words += [] if self.git("branch", "--list", name) else ["--detach"]
        self.git("switch", "--quiet", *words, name)


def _numbers(tag: str) -> tuple[int, ...]:
    found = RELEASE.fullmatch(tag)
    return tuple(map(int, found.groups())) if found else ()
