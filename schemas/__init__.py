"""The contracts: what comes in, what goes out, and how it is written down."""
