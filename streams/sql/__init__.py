"""Named statements of the local store."""
