"""The past, read back from the log: a contact's journal by its offsets, the definitions of any moment, rows as they were."""
