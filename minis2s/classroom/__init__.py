"""The class: notebooks, their exercises, and the grader."""
