"""Files to start a layer of your own from: ``python -m minis2s gradcheck --template gru > mine.py``."""
