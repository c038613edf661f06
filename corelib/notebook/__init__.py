"""What lessons share: the profile, one plot style, source in place, the claims ledger, and rendering.

Nothing here imports Jupyter, matplotlib or Pygments before a function needs it.
"""

from corelib.notebook.claims import Claim, Criterion
from corelib.notebook.collect import results_table, update_readme
from corelib.notebook.course_map import CourseMap, course_map
from corelib.notebook.ledger import Ledger, LedgerError
from corelib.notebook.profile import Profile, profile
from corelib.notebook.render import RenderError, check_notebook, render_notebook
from corelib.notebook.results import RecordedRun, ResultsError, load_run, recorded_rows, save_run
from corelib.notebook.source import Source, show_source
from corelib.notebook.style import COLORS, layer_colors, use_style
from corelib.notebook.widgets import interactive_figure

__all__ = [
    "COLORS",
    "Claim",
    "CourseMap",
    "Criterion",
    "Ledger",
    "LedgerError",
    "Profile",
    "RecordedRun",
    "RenderError",
    "ResultsError",
    "Source",
    "check_notebook",
    "course_map",
    "interactive_figure",
    "layer_colors",
    "load_run",
    "profile",
    "recorded_rows",
    "render_notebook",
    "results_table",
    "save_run",
    "show_source",
    "update_readme",
    "use_style",
]
