"""How a ledger looks: a wrapped text table for terminals and diffs, an HTML table for notebooks in light or dark.

Only inline styles: notebook viewers drop style sheets from saved outputs. Text inherits the page's colour; a verdict
brings its own ground, so both themes can read it.
"""

from collections import Counter
from html import escape
from textwrap import wrap

from corelib.notebook.claims import DIFFERS, HOLDS, NOT_TESTABLE, VERDICTS

# Column, its heading, its width in the text table.
COLUMNS = (
    ("claim", "claim", 26),
    ("place", "place in the paper", 12),
    ("paper", "paper", 11),
    ("recorded", "recorded run", 14),
    ("this run", "this run", 11),
    ("criterion", "criterion", 12),
    ("verdict", "verdict", 26),
)
VERDICT_COLORS = {HOLDS: "#00664A", DIFFERS: "#9C3D00", NOT_TESTABLE: "#5A5A5A"}  # white text on each: above 5:1
_CELL = "text-align:left;vertical-align:top;padding:4px 8px"
_RULE = "border-bottom:1px solid #888888"


def summary(words: list[str]) -> str:
    """Verdicts counted, for example ``"3 claims: 2 hold, 1 differs"``.

    Args:
        words: the verdicts.
    """
    counts = Counter(words)
    plural = {HOLDS: "hold", DIFFERS: "differ", NOT_TESTABLE: NOT_TESTABLE}
    parts = [f"{counts[v]} {v if counts[v] == 1 else plural[v]}" for v in VERDICTS if counts[v]]
    return f"{len(words)} claim{'' if len(words) == 1 else 's'}: {', '.join(parts) or 'none'}"


def as_text(heading: str, rows: list[dict[str, str]]) -> str:
    """The table with aligned, wrapped columns.

    Args:
        heading: first line.
        rows: one dict a row with the keys of COLUMNS and ``"word"``, the bare verdict.

    Returns:
        Lines of at most the columns' widths together, without trailing blanks.
    """
    rule = "-+-".join("-" * width for *_, width in COLUMNS)
    lines = [heading, *_block({key: title for key, title, _ in COLUMNS}), rule]
    for row in rows:
        lines += [*_block(row), rule]
    return "\n".join([*lines, summary([row["word"] for row in rows])])


def as_html(heading: str, rows: list[dict[str, str]]) -> str:
    """The table as HTML; every text is escaped.

    Args:
        heading: caption of the table.
        rows: as for ``as_text``.
    """
    titles = "".join(f'<th style="{_CELL};{_RULE}">{escape(title)}</th>' for _, title, _ in COLUMNS)
    body = "".join(f"<tr>{''.join(_cell(row, key) for key, *_ in COLUMNS)}</tr>" for row in rows)
    return (
        f"<div><p><b>{escape(heading)}</b></p>"
        f'<table style="border-collapse:collapse"><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>'
        f"<p>{escape(summary([row['word'] for row in rows]))}</p></div>"
    )


def _block(row: dict[str, str]) -> list[str]:
    columns = [wrap(row[key], width) or [""] for key, _, width in COLUMNS]
    height = max(map(len, columns))
    padded = [lines + [""] * (height - len(lines)) for lines in columns]
    widths = [width for *_, width in COLUMNS]
    return [
        " | ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip()
        for line in zip(*padded, strict=True)
    ]


def _cell(row: dict[str, str], key: str) -> str:
    text = escape(row[key])
    if key == "verdict":
        word = row["word"]
        style = f"background-color:{VERDICT_COLORS[word]};color:#FFFFFF;padding:1px 6px;white-space:nowrap"
        text = f'<span style="{style}">{escape(word)}</span> {escape(row[key].removeprefix(word + ": "))}'
    return f'<td style="{_CELL};{_RULE}">{text}</td>'
