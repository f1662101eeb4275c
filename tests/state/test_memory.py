"""What the system says of its free memory."""

import pytest

from skl_increc._state import memory


def test_what_is_free_is_the_least_of_what_is_said(monkeypatch):
    monkeypatch.setattr(memory, "_machine", lambda: 7)
    monkeypatch.setattr(memory, "_control_group", lambda: 5)
    assert memory.available() == 5
    monkeypatch.setattr(memory, "_control_group", lambda: None)
    assert memory.available() == 7
    monkeypatch.setattr(memory, "_machine", lambda: None)
    assert memory.available() is None


@pytest.mark.parametrize(
    ("limit", "free"), [("1000\n", 1000 - 700 + 50), ("max\n", None), ("600\n", 0), (None, None)]
)
def test_a_containers_limit_counts_less_what_is_used_but_for_files_that_can_be_dropped(tmp_path, limit, free):
    if limit is not None:
        (tmp_path / "memory.max").write_text(limit)
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 600\nfile 100\ninactive_file 50\n")
    assert memory._control_group(str(tmp_path)) == free


def test_this_machine_has_some():
    free = memory.available()
    assert free is None or free > 0
