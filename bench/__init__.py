"""Benchmarks: `python -m bench` lists and runs them; README.md says what each one measures."""
