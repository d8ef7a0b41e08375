"""Tasks that make pairs, text files, vocabularies, padded and packed batches. Start with pairs.py, then batches.py."""
