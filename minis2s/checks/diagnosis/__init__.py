"""Why a gradient is wrong: stages, each of which takes the findings on the wrong arrays and gives better ones.

diagnose        the stages in their order; none is asked once every array has a cause
from_numbers    the two numbers alone: a factor, a transpose, one gate, repeated tokens
mutants         backward is right for forward with one derivative changed, at a place that is found by running it
one_step        one step of one sentence, before time has mixed the traces
parts           the layers of a model, each alone

finding         the causes, and what is said with one; ``report`` has the words
context         what is known besides the numbers: sizes, tokens, gates
"""
