"""The JSON API `/api/v1/…`: the same questions and answers as the pages, for scripts.

Like the pages it reads the board only; shapes are declared once, and the OpenAPI document is made
from them.
"""
