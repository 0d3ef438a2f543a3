"""Tries to break the whole program: the demo's world at speed, and everything that can go wrong.

`plan` says what goes wrong when, from a seed; `stage` runs the processes; `disasters` strike;
`errands` are the world's life and people's; `verdict` compares the end with the world; `gauges`
watch what may not grow in a `soak`.
"""
