"""Take a picture of a page for the documentation: `python -m docs_build.screenshots ADDRESS PICTURE`.

ADDRESS is a file or an address, such as results/report.html or what `uscl ui` prints. Needs Chromium.
"""

import argparse
import shutil
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser() -> str | None:
    """The program of an installed Chromium, if there is one."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def take(
    address: str, picture: Path, *, width: int = 1280, height: int = 860, click: str | None = None, wait_s: float = 3
) -> None:
    """Write a picture of the top of a page, after it had time to draw itself; `click` selects what to click first."""
    from playwright.sync_api import sync_playwright

    found = browser()
    if found is None:
        raise SystemExit("There is no Chromium on the PATH: install it, for instance with apt-get install chromium.")
    url = Path(address).resolve().as_uri() if Path(address).exists() else address
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = opened.new_page(viewport={"width": width, "height": height})
        page.goto(url)
        if click:
            page.click(click, timeout=120_000)
        page.wait_for_timeout(1000 * wait_s)
        page.screenshot(path=picture)
        opened.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=860)
    parser.add_argument("--click", help="a selector of what to click first, such as a notice to close")
    given = parser.parse_args()
    take(given.address, given.picture, width=given.width, height=given.height, click=given.click)


if __name__ == "__main__":
    main()
