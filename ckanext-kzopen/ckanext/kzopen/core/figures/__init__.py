"""Figures: numbers that sections promise to keep, by period, with the rows behind them."""
