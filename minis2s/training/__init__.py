"""Optimizers, the training loop, and runs on disk. Start with optimizers.py, then loop.py."""
