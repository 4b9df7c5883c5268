"""Serve the places over HTTP."""

import argparse
import socket
from pathlib import Path

import uvicorn

from examples.places.app import create_app
from examples.places.fill import fill

DATABASE = Path(__file__).with_name("places.db")


def main() -> None:
    options = parse()
    if not options.database.exists():
        print(f"Filling {options.database} with the world's towns ...", flush=True)
        fill(options.database)
    with listen(options.host, options.port) as listener:
        host, port = listener.getsockname()[:2]
        print(f"Places: http://{host}:{port}/docs  (Ctrl-C ends it)", flush=True)
        config = uvicorn.Config(create_app(options.database), log_level=options.log_level)
        uvicorn.Server(config).run(sockets=[listener])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.places", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="default: any that is free")
    parser.add_argument("--database", type=Path, default=DATABASE, help="made if it is not there")
    parser.add_argument("--log-level", default="info")
    return parser.parse_args()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that says it is TCP: only then asyncio turns off Nagle's delay for it."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(1024)
    return listener


if __name__ == "__main__":
    main()
