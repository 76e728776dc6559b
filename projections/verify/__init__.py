"""Verify: proof that the fold of the journal, the workers' stores and the rows of the read side say the same.

`expected` derives what the read side must show from the engine's state alone; `fold` makes that state from the
journal with the engine's own `evolve` and keeps it in a `ledger`, so that the next verification goes on from there;
`read_side` and a `StoreSnapshot` give what is there. Both are compared by the sums of digests of their `lines`, and
only where those differ partition by partition and contact by contact (`differences`). `verification` is the order of
it all.
"""
