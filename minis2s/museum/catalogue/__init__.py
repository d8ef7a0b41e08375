"""The bugs of the museum, a file of plain text for each subject; bugs.py reads them."""
