"""A proxy passes all on, until it is told to do harm."""

import asyncio

import pytest

from tests.servers.ports import LOOPBACK
from tests.servers.proxy import Faults, Proxy
from tests.servers.server import RedisServer
from tests.servers.waiting import eventually

ECHO = b"*2\r\n$4\r\nECHO\r\n$10\r\n0123456789\r\n"
REPLY = b"$10\r\n0123456789\r\n"


async def ask(proxy: Proxy, request: bytes = ECHO) -> list[bytes]:
    """The pieces of what is answered to a request, until it is whole or the connection ends."""
    reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
    pieces = list[bytes]()
    try:
        writer.write(request)
        while b"".join(pieces) != REPLY and (piece := await reader.read(100)):
            pieces.append(piece)
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    return pieces


async def test_without_faults_all_passes(redis_server: RedisServer) -> None:
    async with Proxy(redis_server.port) as proxy:
        assert await ask(proxy) == [REPLY]
        assert not proxy.met.total()


async def test_what_is_split_arrives_in_pieces(redis_server: RedisServer) -> None:
    async with Proxy(redis_server.port, Faults(split=0.8)) as proxy:
        pieces = await ask(proxy)
    assert b"".join(pieces) == REPLY
    assert len(pieces) > 1


async def test_a_reply_is_cut_in_half(redis_server: RedisServer) -> None:
    async with Proxy(redis_server.port, Faults(cut=1)) as proxy:
        assert await ask(proxy) == [REPLY[: len(REPLY) // 2]]


async def test_a_connection_is_reset(redis_server: RedisServer) -> None:
    async with Proxy(redis_server.port, Faults(reset=1)) as proxy:
        with pytest.raises(ConnectionResetError):
            await ask(proxy)


async def test_what_is_delayed_arrives(redis_server: RedisServer) -> None:
    async with Proxy(redis_server.port, Faults(delay=1)) as proxy:
        assert await ask(proxy) == [REPLY]
        assert proxy.met["delay"] == 2


async def test_what_falls_into_a_hole_is_lost_until_the_connection_is(
    redis_server: RedisServer,
) -> None:
    async with Proxy(redis_server.port, Faults(hole=1)) as proxy:
        asking = asyncio.create_task(ask(proxy))
        await eventually(lambda: proxy.met["hole"] == 1, "a loss")
        proxy.faults = Faults()
        assert await ask(proxy) == [REPLY]
        await proxy.disconnect()
        with pytest.raises(ConnectionResetError):
            await asking


async def test_connections_fall_silent_and_stay_so_while_new_ones_are_well(
    redis_server: RedisServer,
) -> None:
    async with Proxy(redis_server.port) as proxy:
        reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
        writer.write(ECHO)
        assert await reader.readexactly(len(REPLY)) == REPLY
        proxy.silence()
        writer.write(ECHO)
        assert await ask(proxy) == [REPLY]
        await proxy.disconnect()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_what_was_held_is_done_although_nobody_waits_for_it_any_more(
    redis_server: RedisServer, prefix: str
) -> None:
    key = f"{prefix}late"
    async with Proxy(redis_server.port) as proxy:
        proxy.hold()
        _, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
        writer.write(f"SET {key} 1\r\n".encode())
        writer.close()
        await writer.wait_closed()
        assert redis_server.command("GET", key) is None
        proxy.release()
        await eventually(lambda: redis_server.command("GET", key) == b"1", "a late write")


async def test_connections_are_refused_where_the_server_is_gone(
    redis_server: RedisServer,
) -> None:
    async with Proxy(1) as proxy:
        with pytest.raises(ConnectionResetError):
            await ask(proxy)


async def test_nothing_is_left_of_a_proxy(redis_server: RedisServer) -> None:
    tasks = asyncio.all_tasks()
    async with Proxy(redis_server.port) as proxy:
        reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
        writer.write(ECHO)
        assert await reader.read(100) == REPLY
        assert proxy.connections == 1
    assert proxy.connections == 0
    assert asyncio.all_tasks() == tasks
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
