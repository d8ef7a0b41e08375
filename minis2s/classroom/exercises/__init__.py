"""The exercises of the lessons, a module a lesson; read kinds.py first, then lesson_01.py."""
