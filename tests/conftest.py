"""Settings that must stand before scipy and scikit-learn are imported."""

import os

# else scikit-learn skips check_array_api_input
os.environ.setdefault("SCIPY_ARRAY_API", "1")
