"""A light load generator: prepared HTTP requests over keep-alive connections, with latencies.

It does as little as it can for each request, so that what is measured is the server.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass
class Measured:
    """What one run measured: seconds in all, of each request, and the answers by status.

    `cpu`: seconds of processor time that the server took for each request.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    cpu: float = 0.0

    @property
    def throughput(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, part: float) -> float:
        """The latency that this part of the requests did not exceed, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000

    def line(self, name: str) -> str:
        """A line for people."""
        return (
            f"{name:<26} {self.throughput:8.0f}/s   p50 {self.percentile(0.5):7.2f} ms   "
            f"p99 {self.percentile(0.99):7.2f} ms   cpu {self.cpu * 1e6:4.0f} µs   {self.statuses}"
        )


def request_bytes(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Write a POST request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def fire(port: int, requests: Sequence[bytes], *, connections: int) -> Measured:
    """Send all requests over some connections, each waiting for its answer before the next."""
    found = Measured()
    waiting = iter(requests)
    begun = time.perf_counter()
    await asyncio.gather(*(_send(port, waiting, found) for _ in range(connections)))
    found.seconds = time.perf_counter() - begun
    return found


async def _send(port: int, waiting: Iterable[bytes], found: Measured) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in waiting:
        begun = time.perf_counter()
        status = await exchange(reader, writer, request)
        found.latencies.append(time.perf_counter() - begun)
        found.statuses[status] = found.statuses.get(status, 0) + 1
    writer.close()


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> int:
    """Send a request over an open connection; return the status of the answer."""
    writer.write(request)
    return await _answer(reader)


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    at = head.lower().find(b"content-length:")
    if at >= 0:
        await reader.readexactly(int(head[at + 15 : head.find(b"\r", at)]))
    return int(head[9:12])
