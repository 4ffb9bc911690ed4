"""What must not lie in the repository: large files, paths of one machine, package mirrors, secrets, personal data.

The rules and what is allowed by name lie in `tests/quality/scan.yaml`. Only files that git knows, or would add, are read.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from ckanext.kzopen.core.identifiers import is_bin, is_iin
from ckanext.kzopen.core.yaml_source import Source, read

RULES = Path("tests/quality/scan.yaml")
TWELVE_DIGITS = re.compile(r"(?<!\d)\d{12}(?!\d)")


class Rule(Source):
    """A pattern that no line may match, and the sentence for the one who wrote it."""

    pattern: str
    sentence: str


class Allowed(Source):
    """An exception: files by name pattern, the rule (or a pattern of rules) that does not hold there, and why."""

    path: str
    rule: str
    because: str


class Rules(Source):
    """The file `scan.yaml`."""

    largest_kb: int
    rules: dict[str, Rule]
    allowed: tuple[Allowed, ...] = ()


@dataclass(frozen=True, order=True)
class Finding:
    """A place and what is wrong there; line 0 is the whole file."""

    path: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.sentence}" if self.line else f"{self.path}: {self.sentence}"


def told(findings: Iterable[Finding]) -> str:
    """Findings as text, one a line."""
    return "\n".join(str(finding) for finding in sorted(findings))


def files_of(root: Path) -> list[str]:
    """Files that git keeps or would add, relative to `root`, sorted; those deleted meanwhile are left out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return sorted(name for name in set(listed.split("\0")) if name and (root / name).is_file())


def scan(root: Path) -> list[Finding]:
    """Everything that the rules forbid under `root`."""
    rules, _document = read(root / RULES, Rules)
    return [finding for name in files_of(root) for finding in scan_file(root, name, rules)]


def excused(name: str, rules: Rules) -> set[str]:
    """The rules that do not hold for a file; an exception may name several with a pattern."""
    known = ("size", "person", *rules.rules)
    return {rule for entry in rules.allowed if fnmatch(name, entry.path) for rule in known if fnmatch(rule, entry.rule)}


def scan_file(root: Path, name: str, rules: Rules) -> Iterator[Finding]:
    """What is wrong with one file; a file with a NUL byte is not text and only weighed."""
    except_for = excused(name, rules)
    content = (root / name).read_bytes()
    if len(content) > rules.largest_kb * 1000 and "size" not in except_for:
        yield Finding(name, 0, f"{len(content) // 1000} kB; over {rules.largest_kb} kB only with a reason in {RULES}")
    if b"\0" in content:
        return
    wanted = {key: re.compile(rule.pattern) for key, rule in rules.rules.items() if key not in except_for}
    for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        for key, pattern in wanted.items():
            if pattern.search(line):
                yield Finding(name, number, f"{key}: {rules.rules[key].sentence}")
        if "person" not in except_for and any(is_iin(found) and not is_bin(found) for found in TWELVE_DIGITS.findall(line)):
            yield Finding(name, number, "person: a valid individual identification number (IIN) does not belong here")


if __name__ == "__main__":
    sys.exit(told(scan(Path.cwd())) or 0)
