"""A process without pages answers scrapes on its own port, and works without it too."""

import socket

import httpx
from redis.asyncio import Redis
from structlog.testing import capture_logs

from t5g.connection import open_redis
from t5g.metrics_port import serving
from t5g.scraping import Scrape
from t5g.settings import load_settings


async def test_it_answers_scrapes_and_says_that_it_is_alive(
    redis_url: str, free_tcp_port: int
) -> None:
    settings = load_settings(env={"redis_url": redis_url, "metrics_port": free_tcp_port})
    redis: Redis = open_redis(redis_url)
    async with (
        serving(settings, Scrape(settings, redis, "bot")),
        httpx.AsyncClient(trust_env=False) as client,
    ):
        answer = await client.get(f"http://127.0.0.1:{free_tcp_port}/metrics")
        assert "t5g_redis_up 1.0" in answer.text
        assert "t5g_processes" in answer.text
        assert "t5g_board_cases" not in answer.text  # this one has no board
        assert (await client.get(f"http://127.0.0.1:{free_tcp_port}/healthz")).text == "ok\n"
    await redis.aclose()


async def test_a_taken_port_is_told_and_no_reason_to_stop(redis_url: str) -> None:
    with socket.socket() as taken, capture_logs() as said:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = load_settings(env={"redis_url": redis_url, "metrics_port": port})
        redis = open_redis(redis_url)
        async with serving(settings, Scrape(settings, redis, "bot")):
            pass
        await redis.aclose()
    assert "metrics_port_not_open" in [line["event"] for line in said]


async def test_without_a_port_nothing_is_served(redis_url: str) -> None:
    redis = open_redis(redis_url)
    settings = load_settings()
    async with serving(settings, Scrape(settings, redis, "bot")) as port:
        assert port == 0
    await redis.aclose()
