"""The scan finds what must not lie in the repository, and leaves alone what may."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ckanext.kzopen.runtime.scanning import Allowed, Rules, excused, files_of, scan, told
from ckanext.kzopen.runtime.tables import broken_tables

ROOT = Path(__file__).resolve().parents[2]
RULES = (ROOT / "tests/quality/scan.yaml").read_text(encoding="utf-8")
# An invented number with a right check digit: no such person, born on 1 January 2050.
IIN = "500101500006"
BIN = "990140000007"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An empty repository with the real rules."""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "tests/quality").mkdir(parents=True)
    (tmp_path / "tests/quality/scan.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / ".gitignore").write_text("var/\n")
    return tmp_path


FORBIDDEN = [
    ("machine_path", 'data = "/work/main/var"'),
    ("machine_path", "see /root/.config"),
    ("machine_path", "cd /home/aigul/kzopen"),
    ("machine_path", "open('/tmp/try/one.csv')"),
    ("package_mirror", "--index-url https://pypi.example.org/simple"),
    ("package_mirror", "https://nexus.example.org/repository/pypi"),
    ("private_key", "-----BEGIN RSA PRIVATE KEY-----"),
    ("access_key", "AKIAABCDEFGHIJKLMNOP"),
    ("access_key", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
    ("password", 'PASSWORD = "kU7rQ2mXw9pLz4"'),
    ("password", 'api_key: "4f1c9a7be2d85036"'),
    ("mailbox", "write to aigul.k@mail.ru"),
    ("person", f"{IIN},Aigul"),
]


@pytest.mark.parametrize(("rule", "line"), FORBIDDEN, ids=[line for _rule, line in FORBIDDEN])
def test_a_forbidden_line_is_found_with_its_place(checkout: Path, rule: str, line: str) -> None:
    (checkout / "notes.txt").write_text(f"first\n{line}\n")
    assert [(f.path, f.line, f.sentence.split(":")[0]) for f in scan(checkout)] == [("notes.txt", 2, rule)]


FINE = [
    "https://example.org/work/main",
    "./work/main and ~/root/x",
    "a folder such as /srv/kzopen",
    "tmp_path / 'one.csv'",
    "https://pypi.org/simple",
    'password = "short"',
    'token = "{token}"',
    'label: "Password of the account"',
    "write to opendata@ministry.example.org",
    "000000000000,123456789012",
    f"{BIN},Ministry",
]


@pytest.mark.parametrize("line", FINE)
def test_an_innocent_line_is_left_alone(checkout: Path, line: str) -> None:
    (checkout / "notes.txt").write_text(f"{line}\n")
    assert scan(checkout) == []


def test_a_large_file_is_found_unless_its_reason_is_given(checkout: Path) -> None:
    (checkout / "map.bin").write_bytes(b"\0" * 1_000_001)
    assert told(scan(checkout)) == "map.bin: 1000 kB; over 1000 kB only with a reason in tests/quality/scan.yaml"
    with (checkout / "tests/quality/scan.yaml").open("a") as rules:
        rules.write("  - {path: map.bin, rule: size, because: the outline of the country}\n")
    assert scan(checkout) == []


def test_what_git_ignores_is_not_read(checkout: Path) -> None:
    (checkout / "var").mkdir()
    (checkout / "var/secret.txt").write_text("/root/x\n")
    assert files_of(checkout) == [".gitignore", "tests/quality/scan.yaml"]
    assert scan(checkout) == []


def test_an_exception_may_name_several_rules() -> None:
    rules = Rules(
        largest_kb=1,
        rules={"password": {"pattern": "p", "sentence": "s"}, "mailbox": {"pattern": "m", "sentence": "s"}},  # type: ignore[dict-item]
        allowed=(Allowed(path="tests/*", rule="*", because="all"), Allowed(path="docs/*.md", rule="pass*", because="one")),
    )
    assert excused("tests/a.py", rules) == {"size", "person", "password", "mailbox"}
    assert excused("docs/a.md", rules) == {"password"}
    assert excused("README.md", rules) == set()


def test_every_exception_is_still_needed() -> None:
    import yaml

    for entry in yaml.safe_load(RULES)["allowed"]:
        assert any(Path(name).match(entry["path"]) for name in files_of(ROOT)), entry


BROKEN = [
    ("schemas/states/box.yaml", "kind: box\nlabel: {kk: Қорап, ru: Коробка}\n", "label.en"),
    ("ckanext-kzopen/errors.yaml", "a.b: {status: 400, kk: Қате, ru: Ошибка, en: 'Wrong: {what}'}\n", "placeholders"),
    ("ckanext-kzopen/errors.yaml", "a.b: {status: 400, kk: Қате, ru: Ошибка}\n", "en"),
    ("portal_theme/words.yaml", "one: [unclosed\n", "is not YAML"),
]


@pytest.mark.parametrize(("path", "content", "said"), BROKEN, ids=[said for *_, said in BROKEN])
def test_a_mistake_in_a_table_is_told_with_its_place(checkout: Path, path: str, content: str, said: str) -> None:
    (checkout / path).parent.mkdir(parents=True, exist_ok=True)
    (checkout / path).write_text(content, encoding="utf-8")
    found = broken_tables(checkout)
    assert {finding.path for finding in found} == {path}
    assert any(said in str(finding) for finding in found), told(found)
