import importlib
import importlib.util
import subprocess
import sys

import pytest

from appliance.ground.absent import absent


def test_a_package_is_absent_for_as_long_as_that_lasts_and_no_longer() -> None:
    with absent("antigravity"), pytest.raises(ImportError):
        importlib.import_module("antigravity")
    assert importlib.util.find_spec("antigravity") is not None


def test_what_is_loaded_already_stays() -> None:
    with absent("subprocess"):
        assert importlib.import_module("subprocess") is subprocess


def test_the_panel_takes_in_no_package_that_only_a_models_extras_bring() -> None:
    script = (
        "import sys\n"
        "from appliance.panel import bare\n"
        "bare.app(route_handlers=[])\n"
        "print(sorted({'attr', 'numpy', 'pandas', 'pydantic'} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
