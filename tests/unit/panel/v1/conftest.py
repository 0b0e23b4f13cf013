"""One panel for the tests of a file: what the door is asked leaves nothing behind but in the twin, which each test finds as new."""

from collections.abc import Iterator

import pytest

from appliance.panel.front import PanelServer
from tests.support.twin_v1 import TwinV1
from tests.unit.panel.conftest import Desk, make_desk


@pytest.fixture(scope="module")
def one_desk(server: PanelServer) -> Desk:
    return make_desk(server)


@pytest.fixture
def desk(one_desk: Desk) -> Iterator[Desk]:
    one_desk.twin.start_door()
    one_desk.twin.raw, one_desk.twin.engines_known = TwinV1.raw, TwinV1.engines_known
    yield one_desk
    assert one_desk.twin.done == []
