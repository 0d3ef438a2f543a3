"""A stand-in for Bugzilla: bugs over REST and XML-RPC, as Red Hat's server shows them."""
