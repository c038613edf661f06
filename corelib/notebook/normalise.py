"""One form for a committed notebook, so that running it again without a change makes no difference in git.

What goes: timings, widget state, progress bars, editor marks. What stays: cells, their ids, their outputs.
"""

import re

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# "layers:  40%|####      | 4/10 [00:01<00:02, 3.1it/s]", or without a total "4it [00:01, 3.1it/s]".
_BAR = re.compile(r"(?:.*: )?\s*(?:\d+%\|.*\|\s*\S+/\S+\s+|\d[\d.kMG]*\s?\S*\s+)\[\d+:\d\d.*\]\s*")


def normalise(notebook: dict) -> None:
    """Bring a notebook (nbformat 4) into its committed form, in place.

    Args:
        notebook: an nbformat NotebookNode or a plain dict of the same shape.
    """
    notebook["metadata"]["kernelspec"] = dict(KERNELSPEC)
    notebook["metadata"]["language_info"] = {"name": "python"}
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        for name in ("execution", "collapsed"):
            cell["metadata"].pop(name, None)
        if cell["cell_type"] == "code":
            cell["outputs"] = _tidy(cell["outputs"])


def is_progress(text: str) -> bool:
    """Whether text holds nothing but tqdm progress bars."""
    pieces = [piece for piece in re.split(r"[\r\n]+", _ANSI.sub("", text)) if piece.strip()]
    return all(_BAR.fullmatch(piece) for piece in pieces)


def _tidy(outputs: list) -> list:
    """Drop progress bars and widgets, then join streams that became neighbours."""
    # All of a cell's stderr at once: a bar may be cut in two by a print to stdout.
    if is_progress("".join(output["text"] for output in outputs if output.get("name") == "stderr")):
        outputs = [output for output in outputs if output.get("name") != "stderr"]
    tidy: list = []
    for output in outputs:
        if WIDGET_VIEW in output.get("data", {}):
            continue  # without its state it shows nothing, and its model id is drawn anew each time
        last = tidy[-1] if tidy else {}
        if output["output_type"] == "stream" == last.get("output_type") and output["name"] == last["name"]:
            last["text"] += output["text"]
        else:
            tidy.append(output)
    return tidy
