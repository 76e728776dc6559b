"""The embedded host: a log in one SQLite file, and the Faust transport that reads it. For one process."""
