"""The templates, compiled once, and the static files, each under an address of its text.

Autoescape is on for everything, and an unknown name in a template is an error.
"""

import asyncio
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
STATIC = TEMPLATES / "static"
#: Seconds between two templates that are compiled at start.
PAUSE = 0.05
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class StaticFile(Struct, frozen=True):
    """A file as it is sent; `version` changes with its text."""

    body: bytes
    type: str
    version: str


@cache
def read_static() -> dict[str, StaticFile]:
    """Read all static files, by name, once."""
    found = {}
    for path in sorted(STATIC.iterdir()):
        if path.suffix in TYPES:
            body = path.read_bytes()
            version = hashlib.blake2b(body, digest_size=6).hexdigest()
            found[path.name] = StaticFile(body, TYPES[path.suffix], version)
    return found


@cache
def page_templates() -> Environment:
    """Return the templates of this process; `compile_all` follows after the first answers."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def static(name: str) -> str:
        return f"/static/{name}?v={read_static()[name].version}"

    environment.globals["static"] = static
    return environment


async def compile_all(environment: Environment) -> None:
    """Compile every template, one after another with pauses: together they take a quarter second.

    One that a request needs before its turn is compiled for that request.
    """
    for name in environment.list_templates(extensions=["html", "svg", "txt"]):
        environment.get_template(name)
        await asyncio.sleep(PAUSE)
