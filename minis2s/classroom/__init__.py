"""The bug museum: mistakes that people really make, planted in the library one at a time, and what catches each.

Read patching.py first, then bugs_cells.py, verdicts.py, hunt.py.
"""

from minis2s.classroom.bugs import BUGS
from minis2s.classroom.hunt import Hunt
from minis2s.classroom.patching import Bug, difference, planted
from minis2s.classroom.training import train_small
from minis2s.classroom.verdicts import CHECKS, Verdict, verdict

__all__ = ["BUGS", "CHECKS", "Bug", "Hunt", "Verdict", "difference", "planted", "train_small", "verdict"]
