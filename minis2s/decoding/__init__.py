"""Search and evaluation. Start with greedy.py."""
