"""An app without what litestar takes in by itself: it looks for pydantic and attrs, and loads them where a model's extras brought them."""

from typing import Any

from litestar import Litestar

from appliance.ground.absent import absent


def app(**options: Any) -> Litestar:
    """As ``Litestar(...)``; our bodies and answers are msgspec's, which it knows without a plugin."""
    with absent("attr", "attrs", "pydantic"):
        return Litestar(**options)
