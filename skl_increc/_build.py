"""How the compiled core is built: the flags that each compiler understands, and no others."""

from __future__ import annotations

import os

from setuptools.command.build_ext import build_ext as _build_ext

__all__ = ["build_ext"]

#: optimise, vectorise the loops that are marked (square roots too: nobody reads errno or floating-point
#: traps), leave out debug symbols (a fifth of the size)
UNIX_FLAGS = ["-O3", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math", "-g0"]
MSVC_FLAGS = ["/O2"]

#: where two forms of one step agree to the last bit: products and sums are rounded one by one
EXACT = ["skl_increc.factorization._bpr_steps"]
EXACT_FLAGS = ["-ffp-contract=off"]

#: what Cython writes for memoryviews, once for all modules: three quarters less to compile
SHARED = "skl_increc._kernels._cython_shared"


class build_ext(_build_ext):
    """``build_ext`` with flags by compiler; ``SKL_INCREC_NO_CLONES=1`` switches multiversioning off."""

    extensions: list  # setuptools says so or not, by version

    def build_extensions(self) -> None:
        """Translate all modules, one after the other, and then compile them, side by side with ``parallel``.

        Cython keeps global options, of which threads that translate would see one another's.
        """
        from Cython.Build import cythonize

        unix = self.compiler.compiler_type != "msvc"
        for extension in self.extensions:
            extension.extra_compile_args = [
                *extension.extra_compile_args,
                *(UNIX_FLAGS if unix else MSVC_FLAGS),
                *(EXACT_FLAGS if unix and extension.name in EXACT else []),
            ]
            if os.environ.get("SKL_INCREC_NO_CLONES"):
                extension.define_macros = [*extension.define_macros, ("SKL_INCREC_NO_CLONES", "1")]
        translated = cythonize(
            self.extensions, force=self.force, quiet=not self.verbose, shared_utility_qualified_name=SHARED
        )
        sources = {extension.name: extension.sources for extension in translated}
        for extension in self.extensions:
            extension.sources = sources[extension.name]
        super().build_extensions()
