"""Daily digests composed and queued, as the worker does it: `python -m bench._digests INI READERS` prints the seconds."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.figures import Figure, below

READERS, QUICK_READERS = 20_000, 2_000
NEWS, EACH = 200, 5
BAR_S = 60
FILL = """
    INSERT INTO kzopen.news (key, kind, about, values, words)
    SELECT 'bench:' || n, 'dataset.version', 'bench:' || n, jsonb_build_object(
        'title', jsonb_build_object('kk', 'Кесте ' || n, 'ru', 'Таблица ' || n, 'en', 'Table ' || n),
        'version', n, 'rows', 640, 'link', '/dataset/bench-' || n), to_tsvector('simple', 'bench')
    FROM generate_series(1, :news) AS n;
    INSERT INTO "user" (id, name, email, state, created)
    SELECT 'bench-' || n, 'bench-' || n, 'bench-' || n || '@example.org', 'active', now()
    FROM generate_series(1, :readers) AS n;
    INSERT INTO kzopen.notice (news, reader, how, language)
    SELECT news.id, 'bench-' || n, 'daily', (ARRAY['kk', 'ru', 'en'])[1 + n % 3]
    FROM generate_series(1, :readers) AS n CROSS JOIN generate_series(1, :each) AS k
    JOIN kzopen.news news ON news.key = 'bench:' || (1 + (n * 7 + k * 31) % :news);
    ANALYZE kzopen.news, kzopen.notice, "user"
"""
ROOT = Path(__file__).resolve().parents[1]


def figures(ini: Path, quick: bool) -> list[Figure]:
    """All digests of a morning; with `quick` a tenth of the readers against a tenth of the bar."""
    readers = QUICK_READERS if quick else READERS
    command = [sys.executable, "-m", "bench._digests", str(ini), str(readers)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return [below("core.digests", float(done.stdout.split()[-1]), BAR_S * readers / READERS, "s")]


def main(ini: str, readers: int) -> float:
    """Seconds for so many readers, each with EACH pieces of news; the work is not measured before CKAN is loaded."""
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    app = make_app(CKANConfigLoader(ini).get_config())._wsgi_app
    with app.test_request_context():
        return composed(readers)


def composed(readers: int) -> float:
    from ckan import model
    from ckanext.kzopen.core import notices
    from ckanext.kzopen.core.notices import digest
    from sqlalchemy import text

    notices.visible("bench", everybody)
    values = {"news": NEWS, "readers": readers, "each": EACH}
    for statement in FILL.split(";"):
        model.Session.execute(text(statement), {name: value for name, value in values.items() if f":{name}" in statement})
    model.Session.commit()
    started = time.perf_counter()
    queued = digest.compose_all(model.Session)
    seconds = time.perf_counter() - started
    count = model.Session.scalar(text("SELECT count(*) FROM kzopen.mail WHERE template = 'notices.digest'"))
    assert queued == count == readers, (queued, count, readers)
    return seconds


def everybody(_session: Any, _thing: str, _readers: frozenset[str]) -> None:
    """The things of the benchmark are public."""


if __name__ == "__main__":
    sys.stdout.write(f"\n{main(sys.argv[1], int(sys.argv[2]))}\n")
