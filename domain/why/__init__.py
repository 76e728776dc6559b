"""Why a contact was enrolled or not, took a branch, was sent something or not: told from its journal, with evidence.

What was decided is shown as it was recorded. Only what left no record (an event that enrolled nobody) is recomputed, by the
code that decides, on the contact's state and the definitions that were in force at that moment.
"""
