"""Bugzilla, by REST or XML-RPC, as python-bugzilla speaks them."""
