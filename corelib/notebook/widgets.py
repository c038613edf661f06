"""Sliders as an extra layer over a figure that is always there.

Saved pages, tests and graders run no widgets, so the static figure comes first and carries the point alone.
"""

import importlib.util
import inspect
import os
from collections.abc import Callable

from corelib.notebook.files import require


def interactive_figure(plot_function: Callable, **controls: object) -> None:
    """Draw a figure with the function's default values, and sliders to redraw it where a notebook can show them.

    Args:
        plot_function: returns a figure, ``(figure, axes)`` or axes; every controlled parameter has a default.
        **controls: parameter name to ``(low, high)``, ``(low, high, step)``, a list of options, or a bool.
            Sliders appear only when ipywidgets is installed and ``COURSE_WIDGETS`` is not ``"0"``.

    Raises:
        ValueError: a control is not a parameter of the function, has no default, or its default lies outside.
        TypeError: the function does not return a figure.
        ImportError: matplotlib is not installed.
    """
    defaults = {name: _default(plot_function, name, control) for name, control in controls.items()}
    _show(plot_function(**defaults))
    if controls and _widgets_wanted():
        _add_sliders(plot_function, controls, defaults)


def _default(plot_function: Callable, name: str, control: object) -> object:
    parameter = inspect.signature(plot_function).parameters.get(name)
    label = f"control {name!r}"
    if parameter is None or parameter.default is inspect.Parameter.empty:
        raise ValueError(f"{label} is not a parameter with a default; expected one of the function's own")
    default = parameter.default
    if isinstance(control, tuple):
        if len(control) not in (2, 3) or not control[0] <= default <= control[1]:
            raise ValueError(f"{label} is {control}; expected (low, high[, step]) around its default {default!r}")
    elif isinstance(control, list):
        if default not in control:
            raise ValueError(f"{label} offers {control}; expected its default {default!r} among them")
    elif not isinstance(control, bool):
        raise ValueError(f"{label} is {control!r}; expected (low, high[, step]), a list of options, or a bool")
    return default


def _widgets_wanted() -> bool:
    return os.environ.get("COURSE_WIDGETS") != "0" and importlib.util.find_spec("ipywidgets") is not None


def _show(result: object) -> None:
    """Show a figure exactly once: closed afterwards, so that the notebook does not show it again."""
    first = result[0] if isinstance(result, tuple) and result else result
    figure_class = require("matplotlib.figure").Figure
    figure = first if isinstance(first, figure_class) else getattr(first, "figure", None)
    if not isinstance(figure, figure_class):
        raise TypeError(f"plot_function returned {type(result).__name__}; expected a figure, (figure, axes) or axes")
    require("IPython.display").display(figure)
    require("matplotlib.pyplot").close(figure)


def _add_sliders(plot_function: Callable, controls: dict[str, object], defaults: dict[str, object]) -> None:
    widgets = require("ipywidgets")
    handles = {
        name: widgets.interactive.widget_from_abbrev(control, defaults[name]) for name, control in controls.items()
    }
    output = widgets.Output()  # stays empty until somebody moves a slider: the static figure stands above it

    def redraw(_change: dict) -> None:
        with output:
            output.clear_output(wait=True)
            _show(plot_function(**{name: handle.value for name, handle in handles.items()}))

    for name, handle in handles.items():
        handle.description = name.replace("_", " ")
        handle.observe(redraw, names="value")
    require("IPython.display").display(widgets.VBox([*handles.values(), output]))
