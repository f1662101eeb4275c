"""Settings that must stand before numpy, scipy and scikit-learn are imported, and how hard and how wide tests run."""

import os
import signal

import pytest
from hypothesis import settings

# else scikit-learn skips check_array_api_input
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# processes of tests that each have a thread of BLAS for every core spend their time waiting for one another
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
# the installed package is tested, in other processes too: the folder that they start in is no place to import from
os.environ["PYTHONSAFEPATH"] = "1"

# a shell that starts the tests in the background has them ignore Ctrl-C, which some of them send
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A test that passed yesterday and was not touched passes today: the examples of hypothesis are the same every
# time.  SKL_INCREC_SEARCH=20 draws twenty times as many, new ones in every run.
SEARCH = int(os.environ.get("SKL_INCREC_SEARCH", "0"))
settings.register_profile(
    "same", max_examples=40, derandomize=True, database=None, deadline=None, print_blob=True
)
settings.register_profile("search", max_examples=100 * max(1, SEARCH), deadline=None, print_blob=True)
settings.load_profile("search" if SEARCH else "same")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """All tests: a process a core, but no more than four, as each has to collect them. Files by name: none."""
    if config.option.file_or_dir:
        return 0
    return min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
