"""Backtests over a log: read each partition's journal once, replay it (`domain.backtest`), and add up what came of it."""
