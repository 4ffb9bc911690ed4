"""The collector of cycles is paused while cells are read, and works again afterwards."""

from __future__ import annotations

import gc

import pytest
from ckanext.kzopen.validation import collecting


def fail() -> None:
    assert not gc.isenabled()
    raise LookupError


def test_it_works_again_also_after_an_error() -> None:
    with pytest.raises(LookupError), collecting.paused():
        fail()
    assert gc.isenabled()


def test_blocks_may_overlap() -> None:
    with collecting.paused():
        with collecting.paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
