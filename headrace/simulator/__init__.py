"""The simulator: a made-up population lives through workflows by the real engine, in virtual time."""
