"""Why a gradient is wrong. Each looks only where the one before has found no name for the cause.

diagnose        asks all of the following and chooses what is said of each array
from_numbers    hypotheses on the two numbers alone: a factor, a gate, a place; ``orders`` has some more,
                ``finding`` the words and the test of equality
context         what is known besides the numbers: sizes, places, parts of the sum (``parts``, ``slips``)
cuts            forward with one path changed (``mutants`` says how); ``bends`` and ``slopes`` have more of them
one_step        one step of one sentence, before time has mixed the traces
localise        a model's layers, each alone; then its decoder and its encoder
handed          the gradient that a part of a model was handed, solved for
"""
