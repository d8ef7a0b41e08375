"""What each command of the command line does, and its options; a command a file."""
