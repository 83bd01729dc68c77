"""What every kill is compared with."""

import pytest

from .ends import End, look
from .line import run


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> End:
    """How a delivery ends that nothing disturbs."""
    home = tmp_path_factory.mktemp("undisturbed")
    assert not run(home)
    return look(home)
