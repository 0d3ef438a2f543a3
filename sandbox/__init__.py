"""Stand-ins for the outside world: real HTTP servers on loopback, in the upstreams' own protocols.

For demos, tests and benches only. The program proper never imports them: only its URLs differ.
"""
