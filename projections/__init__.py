"""The read side: journal into Postgres."""
