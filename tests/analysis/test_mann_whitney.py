from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from synphys_frames.analysis.mann_whitney import rank_tests

tied = st.integers(0, 6).map(float)
untied = st.floats(-1e6, 1e6)
groups_of_values = st.one_of(
    *(
        st.lists(st.lists(value, min_size=1, max_size=size), min_size=2, max_size=4)
        for value in (tied, untied)
        for size in (4, 12, 40)
    )
)


@given(groups=groups_of_values)
def test_any_groups_agree_with_scipy(groups: list[list[float]]) -> None:
    arrays = [np.array(group) for group in groups]
    statistic, p_value = rank_tests(arrays)
    for row, one in enumerate(arrays):
        for column, other in enumerate(arrays):
            if row == column:
                continue
            expected = mannwhitneyu(one, other, alternative="two-sided")
            assert statistic[row, column] == expected.statistic
            assert p_value[row, column] == pytest.approx(float(expected.pvalue), rel=1e-9)


def test_many_values_against_few() -> None:
    random = np.random.default_rng(5)
    few, many = random.normal(2, 1, 8), random.normal(size=700)
    _, p_value = rank_tests([few, many])
    expected = float(mannwhitneyu(few, many).pvalue)
    assert 0 < expected < 1e-4
    assert p_value[0, 1] == pytest.approx(expected, rel=1e-9)
    assert p_value[1, 0] == p_value[0, 1]


def test_no_groups_and_one() -> None:
    assert rank_tests([])[1].shape == (0, 0)
    assert rank_tests([np.array([1.0])])[0].shape == (1, 1)
