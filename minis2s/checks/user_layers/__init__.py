"""A layer of one's own, FILE.py:CLASS or two functions.

check           runs it in a process of its own (``subprocess``; its answer is ``plain`` JSON) and says what is wrong
contract        the rules of a layer are tried
compare         it is compared with a layer of ours
templates/      files to start from
"""
