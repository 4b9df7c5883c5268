"""Tools for those who test code that caches, or write plug-ins.

What is here needs nothing but cachekit. The suites need pytest and Hypothesis, the `testing`
extra: `cachekit.testing.backends.BackendSuite`, `cachekit.testing.serializers.SerializerSuite`,
`cachekit.testing.steps.StepSuite`.
"""

from cachekit.testing.clock import FakeClock
from cachekit.testing.faulty import Fault, FaultyBackend
from cachekit.testing.reference import ReferenceBackend

__all__ = ["FakeClock", "Fault", "FaultyBackend", "ReferenceBackend"]
