"""Property tests draw the same examples every time: a few by default, or as many as FUZZ_EXAMPLES sets."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "uscl",
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "40")),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("uscl")
