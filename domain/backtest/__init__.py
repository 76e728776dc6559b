"""The backtest: what a candidate version would have done with the facts that a journal holds, by the same `decide`.

Each contact is replayed alone. Facts and other workflows' changes happen as they did; the tested workflow's
enrollments, and those that their changes start, are simulated. What was really decided about these stands beside the
simulation and says when their timers fired and what became of their actions. `docs/replay/backtest.md` has the rules.
"""
