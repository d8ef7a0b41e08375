"""A layer of one's own: checked in a process apart, its contract tried, compared with ours."""
