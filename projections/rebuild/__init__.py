"""Rebuild: the read side's tables made anew beside the live ones, compared with them, and swapped."""

from projections.rebuild.plan import Plan, UnknownProjection, plan_of
from projections.rebuild.rebuild import rebuild, roll_back
from projections.rebuild.report import RebuildReport
from projections.rebuild.session import RebuildSession

__all__ = ["Plan", "RebuildReport", "RebuildSession", "UnknownProjection", "plan_of", "rebuild", "roll_back"]
