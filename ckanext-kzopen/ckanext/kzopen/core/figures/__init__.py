"""Figures: numbers that sections promise to keep, by period and agency, with the rows behind them.

    figures.register(Figure("deliveries", title, unit, Period.DAY, query, rows_behind))

`query(session, span)` gives the value of each agency in a span of days. A job keeps the values (`compute`); what comes late
revises them, and the old value stays in the history. Pages, the API and open data read the kept values only.
"""

from pathlib import Path

from ckanext.kzopen.core.figures.periods import Period, Span
from ckanext.kzopen.core.figures.registry import Figure, figures, known, register
from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))

__all__ = ["Figure", "Period", "Span", "figures", "known", "register"]
