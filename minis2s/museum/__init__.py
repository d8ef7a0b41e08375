"""The bug museum: mistakes that people really make, planted in the library one at a time, and what catches each.

Read patching.py first, then catalogue/recurrence.txt, checks.py, hunt.py.
"""

from minis2s.museum.catalogue.bugs import BUGS
from minis2s.museum.checks import CHECKS, Verdict, verdict
from minis2s.museum.hunt import Hunt
from minis2s.museum.patching import Bug, difference, planted
from minis2s.museum.small_training import train_small

__all__ = ["BUGS", "CHECKS", "Bug", "Hunt", "Verdict", "difference", "planted", "train_small", "verdict"]
