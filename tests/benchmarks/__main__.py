"""All benchmarks, one after the other, each in a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

PACKAGES = ("skl_increc", "numpy", "scikit-learn", "river", "implicit", "libmf", "cornac", "skrecsys")


def version(package: str) -> str:
    """The version that is installed, or a dash."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "-"


def main() -> int:
    """Run them with the arguments given; how many failed."""
    print(
        f"Python {platform.python_version()}, {platform.machine()},",
        ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    )
    failed = 0
    for script in sorted(Path(__file__).parent.glob("bench_*.py")):
        print(f"\n===== {script.name}", flush=True)
        failed += subprocess.run([sys.executable, str(script), *sys.argv[1:]], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
