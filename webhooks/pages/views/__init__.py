"""View models: what a page shows, as frozen values made from the core's, at a moment `now`.

Pure: no request, no Redis, no template. Every text in a view is plain text; templates escape it.
"""
