"""A real browser, fresh and alone: headless Chromium that asks nobody on the internet for anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
)
_SEEN_WITHIN_S = 120


@contextmanager
def browser(profile: Path) -> Iterator[Chrome]:
    """Open a browser with an empty profile; skip the test where there is none, unless in CI."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        missing = "No browser here: install the packages chromium and chromium-driver."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    options = ChromeOptions()
    options.binary_location = program
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    chrome = Chrome(options, ChromeService(driver))
    chrome.set_script_timeout(_SEEN_WITHIN_S)
    try:
        yield chrome
    finally:
        chrome.quit()


def see(
    chrome: Chrome, selector: str, shows: Callable[[WebElement], bool] = lambda element: True
) -> WebElement:
    """Wait until the page shows an element, of which something may be wanted; the element."""

    def found(chrome: Chrome) -> WebElement | None:
        elements = chrome.find_elements(By.CSS_SELECTOR, selector)
        return next((each for each in elements if each.is_displayed() and shows(each)), None)

    wait = WebDriverWait(chrome, _SEEN_WITHIN_S, ignored_exceptions=[Exception])
    element: WebElement = wait.until(found, f"{selector} is not to be seen")
    return element
