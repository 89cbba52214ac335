"""What the tests of the readers share."""

import pytest

from rramsim.readers.measurements import read_measurements
from rramsim.readers.options import ReadOptions


@pytest.fixture
def read(tmp_path):
    """Write a file and read it: text, bytes or rows of a workbook."""

    def write_and_read(content, name="cells.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_measurements(path, ReadOptions(**options))

    return write_and_read
