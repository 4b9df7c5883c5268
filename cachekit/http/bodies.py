"""How long the body of an answer is, and whether all of it is there."""

from dataclasses import replace

from cachekit.http.exchange import BODY, START, Exchange, Message
from cachekit.http.fields import first
from cachekit.http.stored import Stored


def completed(found: Stored, exchange: Exchange) -> Stored | None:
    """With its body; `None` if that is not whole, or too large."""
    said, size = first(found.headers, b"content-length"), len(exchange.body)
    if not exchange.complete or not exchange.kept:
        return None
    if said is None and found.status not in (204, 205):
        length = (b"content-length", b"%d" % size)
        return replace(found, body=bytes(exchange.body), headers=(*found.headers, length))
    whole = said is None or said == b"%d" % size
    return replace(found, body=bytes(exchange.body)) if whole else None


def length_of(start: Message) -> int | None:
    """What the start of an answer says of it."""
    said = first(start.get("headers", ()), b"content-length")
    return int(said) if said is not None and said.isdigit() and len(said) < 20 else None


def left_after(message: Message, left: int | None) -> int | None:
    """How much of the body is still to come after `message`, if that is known."""
    if message["type"] == START:
        return 0 if message["status"] == 204 else length_of(message)
    return None if left is None else left - len(message.get("body", b""))


def is_last(message: Message, left: int | None) -> bool:
    """Whether a client that has `message` has all."""
    if left is not None and left <= 0:
        return True
    return message["type"] == BODY and not message.get("more_body", False)
