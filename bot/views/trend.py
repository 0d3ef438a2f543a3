"""A small picture of a number over days: as a line of blocks, and as a PNG. Pure, no library.

The PNG is drawn here because it is a few rectangles; a plotting library would outweigh the bot.
"""

import struct
import zlib
from collections.abc import Sequence

STEPS = "▁▂▃▄▅▆▇█"
WIDTH, HEIGHT, MARGIN = 640, 160, 12
#: The palette: background, grid, columns, the last column.
COLOURS = ((255, 255, 255), (226, 232, 240), (96, 165, 250), (37, 99, 235))


def sparkline(values: Sequence[int]) -> str:
    """Values as a line of blocks of eight heights."""
    low, high = min(values), max(values)
    span = high - low
    return "".join(STEPS[(v - low) * 7 // span] if span else STEPS[3] for v in values)


def trend_picture(values: Sequence[int]) -> bytes:
    """Values as a PNG of columns, the last one darker. At least one value."""
    rows = [bytearray([0] * WIDTH) for _ in range(HEIGHT)]
    for quarter in range(5):
        y = MARGIN + quarter * (HEIGHT - 2 * MARGIN) // 4
        rows[y][MARGIN : WIDTH - MARGIN] = bytes([1] * (WIDTH - 2 * MARGIN))
    _columns(rows, values)
    return _png(rows)


def _columns(rows: list[bytearray], values: Sequence[int]) -> None:
    # Counts are compared with zero: a column half as high is half as many.
    highest = max(1, *values)
    room = (WIDTH - 2 * MARGIN) / len(values)
    bottom = HEIGHT - MARGIN
    for n, value in enumerate(values):
        left = MARGIN + int(n * room)
        right = max(left + 1, MARGIN + int((n + 1) * room) - (2 if room > 4 else 0))
        top = bottom - int(max(0, value) / highest * (HEIGHT - 2 * MARGIN))
        colour = 3 if n == len(values) - 1 else 2
        for y in range(top, bottom):
            rows[y][left:right] = bytes([colour] * (right - left))


def _png(rows: list[bytearray]) -> bytes:
    """Write rows of palette indexes as a PNG."""
    size = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 3, 0, 0, 0)
    palette = bytes(part for colour in COLOURS for part in colour)
    pixels = zlib.compress(b"".join(b"\x00" + bytes(row) for row in rows), 9)
    chunks = ((b"IHDR", size), (b"PLTE", palette), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
