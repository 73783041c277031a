"""Settings of the documentation site, which `make docs` builds with Sphinx in build/docs."""

import sys
from pathlib import Path

import hybrid

# The notebooks in examples/ are the tutorials. Sphinx reads files below docs/ only.
DOCS = Path(__file__).parent
for notebook in (DOCS.parent / "examples").glob("*.ipynb"):
    text = notebook.read_text(encoding="utf-8").replace("](../docs/", "](../")
    (DOCS / "tutorials" / notebook.name).write_text(text, encoding="utf-8")

sys.path.insert(0, str(DOCS / "_extensions"))

project = "hybrid"
author = "the hybrid developers"
copyright = "2026, the hybrid developers"
version = release = hybrid.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "hybrid_commands",
]
exclude_patterns = ["**.ipynb_checkpoints", "_templates"]
templates_path = ["_templates"]
nitpicky = True  # a reference to something that does not exist is a warning, and warnings are errors in `make docs`
nitpick_ignore_regex = [("py:.*", r"(sklearn|keras|numpy|pandas|matplotlib)\..*")]  # their inventories need a network
smartquotes = False  # two hyphens begin an option
default_role = "literal"  # docstrings write `name` for code

# Pages are MyST Markdown. Notebooks have stored outputs; `make notebooks` runs them.
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "attrs_inline"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_render_markdown_format = "myst"

autodoc_typehints = "none"  # numpydoc docstrings name the types
autodoc_member_order = "bysource"
autosummary_generate = True
toc_object_entries_show_parents = "hide"  # fit(), not FeatureExtractor.fit()
numpydoc_show_class_members = False  # the template of a class lists them

copybutton_prompt_text = "$ "
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "pydata_sphinx_theme"
html_title = "hybrid"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_sidebars = {"glossary": []}
html_theme_options = {
    "show_nav_level": 1,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
}


def skip_members(app, what, name, obj, skip, options):
    """Leave out former names, and members that estimators inherit from scikit-learn."""
    text = getattr(obj, "__doc__", None) or ""
    inherited = (getattr(obj, "__module__", None) or "").startswith("sklearn.")
    return True if inherited or text.lower().removeprefix("the ").startswith("former name") else None


def find_at_the_top(app, env, node, contnode):
    """Resolve a reference such as `hybrid.evaluation.evaluate` to a name that is documented as `hybrid.evaluate`."""
    parts = node["reftarget"].split(".")
    first, last = parts[0], parts[-1]
    if node.get("refdomain") != "py" or first != "hybrid" or last not in hybrid.__all__:
        return None
    domain = env.domains.python_domain
    return domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], f"hybrid.{last}", node, contnode)


def setup(app):
    """Connect the functions above to Sphinx."""
    app.connect("autodoc-skip-member", skip_members)
    app.connect("missing-reference", find_at_the_top)
