"""Settings that must stand before scipy and scikit-learn are imported."""

import os

# else scikit-learn skips check_array_api_input
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# the installed package is tested, in other processes too: the folder that they start in is no place to import from
os.environ["PYTHONSAFEPATH"] = "1"
