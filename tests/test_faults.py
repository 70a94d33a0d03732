"""The fault run in its short form."""

from tests import faults
from tests.conftest import DIALECT


def test_nothing_is_lost_doubled_or_half_done() -> None:
    report = faults.run(DIALECT, acknowledged=150, cancellations=60, seed=7)
    assert report.faultless, str(report)
    assert report.acknowledged >= 150
    assert report.dropped > 0
    assert report.kills > 0
