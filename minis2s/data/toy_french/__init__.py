"""A toy English → French: real French from a small synchronous grammar, which writes both sides and links their words.

Read in this order: `phrase.py` (what a rule is), `words.py` and `verbs.py` (the lexicon), `spelling.py` (elision and
contraction), `nouns.py`, `times.py`, `clauses.py`, `be_sentences.py`, `idioms.py` and `sentences.py` (the rules;
chance is in `draw.py` only), `held_out.py` (what splits keep from training), `count.py` (how many sentences there are).
"""
