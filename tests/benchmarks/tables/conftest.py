import pytest


@pytest.fixture
def write(tmp_path):
    """Write a file of the temporary folder."""

    def write(content, name="t.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
