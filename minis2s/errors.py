"""The one error a user can mend: it says which file, which line, what is wrong and what to do, on one line."""


class InputError(ValueError):
    """Something that came from outside is wrong; the command line prints it and ends with status 2."""
