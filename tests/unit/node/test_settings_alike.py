"""Settings that only look different are no reason for a standby to start anew."""

from contextlib import closing
from pathlib import Path

import tomlkit

from tests.unit.node.test_shared_files import Two


def test_settings_that_say_the_same_in_another_order_and_with_other_comments_are_not_taken_over(tmp_path: Path) -> None:
    two = Two(tmp_path)
    with closing(two.wire):
        standby = two.standby()
        assert standby.pull()
        assert standby.settings_changed
        before = (two.b / "tandem.toml").read_text(encoding="utf-8")
        told = two.told(two.a)
        turned = tomlkit.dumps(dict(reversed(list(told.items()))))
        two.settings(two.a, "# written by another hand\n\n" + turned)
        again = two.standby()
        again.pull()
        assert not again.settings_changed
        assert (two.b / "tandem.toml").read_text(encoding="utf-8") == before
        told["company"] = {**dict(told["company"]), "signature": "Another one"}  # type: ignore[call-overload]
        two.settings(two.a, tomlkit.dumps(told))
        again.pull()
        assert again.settings_changed
