import pytest

from inspan.errors import BadInput
from inspan.kernel.host.confinement import Confinement
from inspan.model.code import CodeLimits

pytestmark = pytest.mark.requirement("D1")


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (CodeLimits(memory=0), "limits.memory: must be more than 0"),
        (CodeLimits(files=-1), "limits.files: must be more than 0"),
        (CodeLimits(memory=1 << 63), "limits.memory: is more than a system can count"),
        (CodeLimits(cpu=1e300), "limits.cpu: is more than a system can count"),
    ],
)
def test_a_limit_that_is_none_is_refused(limits: CodeLimits, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        Confinement(limits=limits).checked()
