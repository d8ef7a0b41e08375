"""The plain loops of the whole family stand in the package, where ``checks.parity`` uses them, too.

This is the same module under a second name: a test that replaces one of its functions replaces the library's.
"""

import sys

from minis2s.checks.invariances import reference_loops

sys.modules[__name__] = reference_loops
