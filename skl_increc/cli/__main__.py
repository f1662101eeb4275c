"""``python -m skl_increc.cli``."""

from __future__ import annotations

import sys

from skl_increc.cli import main

sys.exit(main())
