"""The step kinds: one file each, and the one table that names them."""
