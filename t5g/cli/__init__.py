"""The command line: the front door that builds each process.

The one part of `t5g/` that may import bot/, webhooks/, workers/ and sandbox/; imported by none.
"""
