"""Workflow tests as documents: `kind: workflow_test`, written by `headrace record` and played by `headrace test`."""

from schemas.workflow_tests.reading import ReadTest, read_tests
from schemas.workflow_tests.writing import write_test

__all__ = ["ReadTest", "read_tests", "write_test"]
