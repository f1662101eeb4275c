"""How the documentation is built; nothing here needs a network."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import skl_increc

project = "skl_increc"
author = "The skl_increc developers"
copyright = "The skl_increc developers"
version = release = skl_increc.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "from_the_code",
]
exclude_patterns = ["_build", "**/GALLERY_HEADER.rst"]
templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_title = f"skl_increc {release}"
html_show_sourcelink = False
html_sidebars = {page: [] for page in ("start", "contract", "changes")}  # pages without pages below
html_theme_options = {
    "navigation_with_keys": False,
    "show_nav_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_end": ["theme-switcher"],
}

# a role or a "See Also" that leads nowhere is an error, except into the libraries that we build on
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(numpy|np|scipy|sklearn|river|pandas|polars|pyarrow|narwhals|matplotlib)\..*"),
]

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say the types, with shapes and ranges
autodoc_member_order = "bysource"

numpydoc_show_class_members = False  # the templates list them
numpydoc_xref_param_type = False
# all of numpydoc's rules but those against house style: sections that would only repeat the summary or
# another docstring ("as in fit"), names that share one line, summaries that are no command
numpydoc_validation_checks = {
    "all",
    *("ES01", "EX01", "SA01", "SS05", "SS06", "GL01", "GL07"),
    *("PR01", "PR03", "PR04", "PR07", "RT01", "RT03", "RT04"),
}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "remove_config_comments": True,
    "show_memory": False,
    "capture_repr": (),
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "only_warn_on_example_error": False,
}

# example code that warns is an example that teaches something wrong
warnings.filterwarnings("error", module="__main__")
