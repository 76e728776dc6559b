"""How each journal event changes a contact's state, by what it is about; `domain.evolve` has the table of all."""
