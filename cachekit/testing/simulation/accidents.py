"""What happens to the homes of a store, one at a time."""

from typing import Final

from cachekit.testing.simulation.history import EVERYWHERE
from cachekit.testing.simulation.nodes import Node
from cachekit.testing.simulation.world import World

RESTART: Final = 0.3
"""Mean seconds that one is down when it is started again."""


async def take_down(world: World) -> None:
    """It is not reached; some tell so at once."""
    for node in _some(world):
        node.down_until = world.now() + world.rng.expovariate(1 / world.weather.node_down)
        node.refuses = world.chance(0.5)
        _tell(world, node, "down", "IS DOWN")


async def slow_down(world: World) -> None:
    for node in _some(world):
        node.slow_until = world.now() + world.rng.expovariate(1 / world.weather.node_down)
        _tell(world, node, "slow", "IS SLOW")


async def start_again(world: World) -> None:
    """It has forgotten all."""
    nodes = world.shore.nodes
    for node in _some(world):
        node.down_until = world.now() + world.rng.expovariate(1 / RESTART)
        node.refuses = True
        assert nodes is not None
        await world.shore.empty(nodes, node)
        _tell(world, node, "started again", "IS STARTED AGAIN")


def heal(world: World) -> None:
    """All are well."""
    for node in [] if world.shore.nodes is None else world.shore.nodes.all():
        node.heal()


def _some(world: World) -> list[Node]:
    """Mostly one."""
    nodes = [] if world.shore.nodes is None else world.shore.nodes.all()
    most = world.rng.choice([1, 1, 1, len(nodes)])
    return world.rng.sample(nodes, most)


def _tell(world: World, node: Node, what: str, event: str) -> None:
    world.history.covered[f"homes that were {what}"] += 1
    world.history.add(world.now(), node.name, event, EVERYWHERE)
