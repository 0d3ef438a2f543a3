"""One module for each sync: what it asks, what it concludes, and what it must never conclude."""
