"""Jobs: long work over the log (rebuild, verify, backtest ...), each run in a child process of its own.

So neither the engine nor the API shares an interpreter with it, and a job that is killed takes nothing with it.
One kind, one module; `kinds.py` lists them.
"""
