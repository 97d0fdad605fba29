"""Makes README's pictures: ``python -m tests.pictures docs`` draws comment.png and terminal.png.

Both show the golden story `one_stage_slower`, whose figures are made up: the comment as GitHub's
own markdown parser reads it, in a page of GitHub's look, the terminal by rich's own export. Needs
Chromium on PATH and playwright. Each picture bears the digest of the text that it shows, so that a
test can tell one that is out of date.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import sys
from pathlib import Path

import cmarkgfm
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from rich.console import Console
from rich.terminal_theme import MONOKAI

from perfgate.records import Decision
from perfgate.report.comment import Links, render_comment
from perfgate.report.terminal import render_terminal
from tests.golden.decisions import one_stage_slower
from tests.golden.machine import EARLIER

DIGEST = "perfgate-text-sha256"
_COLUMNS = 92
_LINKS = Links(
    run_url="https://github.com/OWNER/PROJECT/actions/runs/117",
    artifact_url="https://github.com/OWNER/PROJECT/actions/runs/117/artifacts/9",
    when="2026-03-02 11:40 UTC",
)
_PAGE = """\
<!doctype html><meta charset="utf-8"><style>
body { margin: 0; font: 14px/1.5 "Noto Sans", "DejaVu Sans", sans-serif; color: #1f2328 }
#shot { width: 900px; padding: 14px; box-sizing: border-box; display: flex; gap: 14px }
#who { flex: none; width: 40px; height: 40px; border-radius: 6px; background: #24292f;
       color: #fff; font-weight: 600; font-size: 12px; line-height: 40px; text-align: center }
#comment { flex: 1; border: 1px solid #d1d9e0; border-radius: 6px }
#head { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; padding: 8px 16px;
        border-radius: 6px 6px 0 0; color: #59636e }
#head b { color: #1f2328 }
#body { padding: 2px 16px 4px }
h3 { font-size: 17px; margin: 14px 0 12px } p { margin: 0 0 12px }
table { border-collapse: collapse; margin: 0 0 14px }
th, td { border: 1px solid #d1d9e0; padding: 5px 11px } tr:nth-child(2n) td { background: #f6f8fa }
summary { margin: 0 0 9px } code { background: #eff1f3; border-radius: 4px; padding: 2px 5px;
       font: 12px "DejaVu Sans Mono", monospace }
</style><div id="shot"><div id="who">bot</div><div id="comment">
<div id="head"><b>github-actions</b> commented</div><div id="body">BODY</div></div></div>
"""


def comment_text() -> str:
    """The comment of the story, as it is posted."""
    return render_comment(one_stage_slower(), history=EARLIER, links=_LINKS)


def terminal_text() -> str:
    """What a gate of the story prints, without colour."""
    return _terminal(one_stage_slower()).export_text(clear=False)


def digest(text: str) -> str:
    """What a picture bears of the text that it shows."""
    return hashlib.sha256(text.encode()).hexdigest()


def _terminal(decision: Decision) -> Console:
    console = Console(
        file=io.StringIO(),
        record=True,
        width=_COLUMNS,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        _environ={},
    )
    console.print("[bold]$[/bold] perfgate gate --base main", highlight=False)
    render_terminal(decision, console)
    return console


def _comment_page() -> str:
    body = cmarkgfm.github_flavored_markdown_to_html(
        comment_text(), options=cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE
    )
    return _PAGE.replace("BODY", body)


def _terminal_page() -> str:
    svg = _terminal(one_stage_slower()).export_svg(title="perfgate gate", theme=MONOKAI)
    # The fonts that rich names lie on a server; a picture is drawn with those that are here.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "DejaVu Sans Mono")
    shot = f'<div id="shot" style="width: 900px">{svg}</div>'
    return f'<!doctype html><meta charset="utf-8"><body style="margin: 0">{shot}'


def main(folder: Path) -> None:
    """Draw both."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only this needs it

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 920, "height": 900}, device_scale_factor=2)
        for name, html, text in (
            ("comment.png", _comment_page(), comment_text()),
            ("terminal.png", _terminal_page(), terminal_text()),
        ):
            page.set_content(html)
            shot = Image.open(io.BytesIO(page.locator("#shot").screenshot(omit_background=True)))
            told = PngInfo()
            told.add_text(DIGEST, digest(text))
            shot.quantize(256).save(folder / name, optimize=True, pnginfo=told)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
