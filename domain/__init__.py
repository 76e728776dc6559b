"""The pure domain: contacts, enrollments, workflows, and the engine that decides. No I/O and no clock."""
