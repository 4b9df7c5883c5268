"""Serve the places over HTTP."""

import argparse
import socket
import sys
from contextlib import suppress
from pathlib import Path

import uvicorn

from examples.places.app import served
from examples.places.fill import fill, is_filled

DATABASE = Path(__file__).with_name("places.db")


def main() -> None:
    options = parse()
    if not is_filled(options.database):
        print(f"Filling {options.database} with the world's towns ...", flush=True)
        fill(options.database)
    with listen(options.host, options.port) as listener:
        host, port = listener.getsockname()[:2]
        print(f"Places: http://{host}:{port}/docs  (Ctrl-C ends it)", flush=True)
        app = served(options.database)
        server = uvicorn.Server(uvicorn.Config(app, log_level=options.log_level))
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    if not server.started:
        sys.exit("The service did not start.")


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
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        sys.exit(f"Cannot serve on {host}:{port}: {error}. --port 0 takes any that is free.")
    listener.listen(1024)
    return listener


if __name__ == "__main__":
    main()
