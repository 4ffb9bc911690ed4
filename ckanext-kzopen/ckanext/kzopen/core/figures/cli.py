"""`ckan kzopen-figures …`: compute figures anew and say what differs."""

from __future__ import annotations

import sys

import click
from ckan import model


@click.group("kzopen-figures", short_help="Figures: recompute")
def kzopen_figures() -> None:
    """The figures that sections keep."""


@kzopen_figures.command()
@click.argument("names", nargs=-1)
@click.option("--commit", is_flag=True, help="Keep the new values; the old ones stay in the history.")
def recompute(names: tuple[str, ...], commit: bool) -> None:
    """Compute all kept values of figures anew and tell what comes out otherwise; exit code 1 when something does.

    Example: ckan -c kzopen.ini kzopen-figures recompute views --commit
    """
    from ckanext.kzopen.core.figures import compute, figures, known
    from ckanext.kzopen.core.figures.periods import span_of

    session, day, differing = model.Session(), compute.today(), 0
    for figure in [known(name) for name in names] or figures():
        found = list(compute.recomputed(session, figure, day))
        for one in found:
            click.echo(f"{one.figure} {one.start} {one.agency or '-'}: {one.old} kept, {one.new} computed")
        differing += len(found)
        if commit:
            for start in sorted({one.start for one in found}):
                compute.keep(session, figure, span_of(figure.period, start), day)
            session.commit()
    click.echo(f"{differing} values differ" + (", the new ones are kept" if commit and differing else ""))
    sys.exit(1 if differing and not commit else 0)
