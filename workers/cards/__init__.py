"""Keeps cards in step with cases: made, assigned, reopened, closed, tagged, announced.

What to do is decided by pure functions; doing it is a row of steps that may each be made again.
"""
