"""The bugs of the museum, by where they are."""
