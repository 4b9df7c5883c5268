"""Which changes travel together."""

from collections.abc import Sequence

from cachekit_redis.changes import Change, Way


def turns(changes: Sequence[Change]) -> list[list[Change]]:
    """`changes`, so that those of one key are made in order.

    A connection keeps the order of what is sent, and so those that need one command each travel
    together. What may need a second one has a turn of its own, and so has what is done in another
    way than the one before.
    """
    turns: list[list[Change]] = []
    last: dict[str, tuple[int, Change]] = {}
    for change in changes:
        turn, before = last.get(change.key, (-1, None))
        if before is None or not _follows_at_once(change, before):
            turn += 1
        last[change.key] = turn, change
        if turn == len(turns):
            turns.append([])
        turns[turn].append(change)
    return turns


def _follows_at_once(change: Change, before: Change) -> bool:
    if change.way is not before.way or change.way is Way.LOOK:
        return False
    if change.way is Way.SCRIPT:
        # By name, one that is not known to the server any longer would be sent again, and be done
        # after the next one, if that is known by then.
        before.goes_whole()
        change.goes_whole()
    return True
