"""A graph as text that is the same for all graphs that look the same from their first node."""

from typing import Final, NamedTuple


class Node(NamedTuple):
    """What it is, and the numbers of the nodes that it holds."""

    label: str
    parts: tuple[int, ...] = ()


ROOT: Final = 0


def describe(nodes: list[Node]) -> str:
    """One line for each node that differs from all others: its label, the lines of its parts.

    What differs is found by refining a partition until it stays as it is (Moore, "Gedanken
    experiments on sequential machines", 1956). So it does not show how often the graph holds
    something that is used twice, nor where a circle in it begins.
    """
    kinds = _kinds(nodes)
    examples = dict(zip(kinds, nodes, strict=True))
    lines = {kinds[ROOT]: 0}
    text: list[str] = []
    for kind in (queue := [kinds[ROOT]]):
        parts = [kinds[part] for part in examples[kind].parts]
        queue.extend(part for part in dict.fromkeys(parts) if part not in lines)
        for part in parts:
            lines.setdefault(part, len(lines))
        text.append(f"{examples[kind].label} {[lines[part] for part in parts]}")
    return "\n".join(text)


def _kinds(nodes: list[Node]) -> list[int]:
    """A number for each node, the same for those that no walk from them tells apart."""
    kinds = _numbered([node.label for node in nodes])
    count = 0
    while count < (count := len(set(kinds))):
        kinds = _numbered(
            [
                (kind, *(kinds[part] for part in node.parts))
                for kind, node in zip(kinds, nodes, strict=True)
            ]
        )
    return kinds


def _numbered(looks: list[str] | list[tuple[int, ...]]) -> list[int]:
    numbers: dict[str | tuple[int, ...], int] = {}
    return [numbers.setdefault(look, len(numbers)) for look in looks]
