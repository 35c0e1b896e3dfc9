from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brute

import synphys_frames as sf
from synphys_frames.analysis.distance_models import DISTANCE_MODELS, probabilities
from synphys_frames.analysis.distance_search import MARGIN, sum_log
from synphys_frames.analysis.intervals import connection_interval
from synphys_frames.errors import ArgumentError

MODELS = list(DISTANCE_MODELS)


def simulated(
    model: str, pmax: float, size: float, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    distance = np.abs(random.normal(0, 120e-6, count))
    chance = probabilities(DISTANCE_MODELS[model], distance, pmax, size)
    return distance, random.random(count) < chance


def likelihood(model: str, pmax: float, size: float, data: Any) -> float:
    return sum_log(
        probabilities(DISTANCE_MODELS[model], data[0], pmax, size, margin=MARGIN), data[1]
    )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("pmax", "size", "count"), [(0.3, 100e-6, 300), (0.08, 200e-6, 3000)])
def test_the_maximum_is_the_global_one(model: str, pmax: float, size: float, count: int) -> None:
    data = simulated(model, pmax, size, count, seed=3)
    fit = sf.fit_probability(*data, model)
    best = brute(
        lambda at: -likelihood(model, np.exp(at[0]), np.exp(at[1]), data),
        ((np.log(1e-3), 0), (np.log(1e-5), np.log(1e-3))),
        Ns=60,
        full_output=True,
    )
    assert fit.log_likelihood >= -best[1] - 1e-4
    assert fit.log_likelihood == pytest.approx(likelihood(model, fit.pmax, fit.size, data))
    assert fit.aic == pytest.approx(4 - 2 * fit.log_likelihood)
    assert fit.pmax_interval[0] < fit.pmax < fit.pmax_interval[1]
    assert fit.size_interval[0] < fit.size < fit.size_interval[1]
    assert (fit.n_probed, fit.n_connected) == (count, data[1].sum())


def heavy_tailed(model: str, pmax: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs at distances of which a few are far beyond all others."""
    rng = np.random.default_rng(seed)
    distance = 20e-6 + 40e-6 * rng.pareto(1.2, 1500)
    size = 150e-6
    fit = sf.DistanceFit(model, "fitted", pmax, size, (0, 1), (0, 1), 0, 0, 9, 9)
    return distance, rng.random(len(distance)) < fit.predict(distance)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("pmax", [0.1, 0.97])
def test_interval_ends_are_where_the_profile_of_the_pairs_has_fallen(
    model: str, pmax: float
) -> None:
    data = heavy_tailed(model, pmax, seed=3)
    fit = sf.fit_probability(*data, model)
    ends = [
        (which, end)
        for which, interval in enumerate((fit.pmax_interval, fit.size_interval))
        for end in interval
        if not np.isclose(end, [(1e-3, 1.0), (1e-5, 1e-3)][which], rtol=1e-6).any()
    ]
    assert len(ends) >= 3
    for which, end in ends:
        best = [fit.size, fit.pmax][which]
        others = np.geomspace(best / 1.6, min(best * 1.6, [1e-3, 1.0][which]), 3000)
        profile = max(
            likelihood(model, end, other, data)
            if which == 0
            else likelihood(model, other, end, data)
            for other in others
        )
        assert fit.log_likelihood - profile == pytest.approx(1.9207, abs=2e-3)


@pytest.mark.parametrize("model", MODELS)
def test_shapes_of_the_models(model: str) -> None:
    fit = sf.DistanceFit(model, "fitted", 0.4, 100e-6, (0, 1), (0, 1), 0, 0, 9, 9)
    found = fit.predict([0, 100e-6, 150e-6, 1e-3])
    expected = {
        "gaussian": [0.4, 0.4 * np.exp(-0.5), 0.4 * np.exp(-1.125), 0.4 * np.exp(-50)],
        "exponential": [0.4, 0.4 * np.exp(-1), 0.4 * np.exp(-1.5), 0.4 * np.exp(-10)],
        "linear": [0.4, 0.005, 0.005, 0.005],
        "sphere": [
            0.4,
            1 - 0.6 ** (1 - 0.75 + 1 / 16),
            1 - 0.6 ** (1 - 1.125 + 1.5**3 / 16),
            0.005,
        ],
    }[model]
    np.testing.assert_allclose(found, expected)
    assert np.ndim(fit.predict(1e-4)) == 0


@pytest.mark.parametrize(
    ("distance", "connected", "status", "pmax"),
    [
        ([], [], "no pairs", np.nan),
        ([np.nan] * 20, [True] * 20, "no pairs", np.nan),
        ([1e-4] * 9, [True, False, True] * 3, "too few pairs", np.nan),
        ([1e-4] * 30, [False] * 30, "none connected", 0.0),
        ([1e-4] * 30, [True] * 30, "all connected", 1.0),
    ],
)
def test_data_that_can_not_be_fitted(
    distance: Any, connected: Any, status: str, pmax: float
) -> None:
    fit = sf.fit_probability(distance, connected)
    assert fit.status == status
    assert fit.pmax == pmax or np.isnan(fit.pmax) == np.isnan(pmax)
    assert np.isnan(fit.size)
    n = fit.n_probed
    if n:
        assert fit.pmax_interval == connection_interval(sum(connected), n)
    predicted = fit.predict([1e-4, 2e-4])
    assert predicted.tolist() == [0, 0] if status == "none connected" else np.isnan(predicted).all()


@pytest.mark.parametrize("place", [0.0, 1e-4])
def test_pairs_at_one_distance_do_not_tell_a_profile(place: float) -> None:
    data = [place] * 40, [True] * 10 + [False] * 30
    fit = sf.fit_probability(*data)
    assert fit.status == "one distance"
    assert np.isnan([fit.pmax, fit.size, fit.predict(place)]).all()
    given = sf.fit_probability(*data, fixed_size=200e-6)
    assert given.status == "fitted"
    assert given.predict(place) == pytest.approx(0.25, abs=1e-3)
    peak = sf.fit_probability(*data, fixed_max=0.5)
    assert (peak.status == "fitted") == (place > 0)


@pytest.mark.parametrize("model", MODELS)
def test_what_is_not_known_is_not_predicted(model: Any) -> None:
    fit = sf.fit_probability([], [], model)
    assert np.isnan(fit.predict([0.0, 1e-4])).all()
    fit = sf.fit_probability(*simulated("gaussian", 0.3, 100e-6, 300, seed=4), model)
    there = fit.predict([1e-4, np.nan, -1e-4])
    assert there[0] == there[2] > 0
    far = {"gaussian": 0, "exponential": 0, "linear": 0.005, "sphere": 0.005}
    assert fit.predict(np.inf) == far[model]
    assert np.isnan(there[1])
    assert fit.predict(pd.Series([pd.NA, 1e-4], dtype="Float64"))[1] == there[0]


def test_a_missing_connection_is_none_and_a_distance_has_no_sign() -> None:
    x, hit = simulated("exponential", 0.4, 80e-6, 300, seed=5)
    expected = sf.fit_probability(x, hit, "exponential")
    values = np.where(hit, 1.0, np.nan)
    signed = np.where(np.arange(300) % 2, x, -x)
    assert sf.fit_probability(signed, values, "exponential") == expected
    with pytest.raises(ArgumentError, match="true or false"):
        sf.fit_probability(x, x)


def test_frames_and_arrays_give_one_fit(db: sf.SynphysDatabase) -> None:
    pairs = db.pairs(species="mouse")
    fit = sf.fit_distance(pairs, model="exponential")
    assert fit == pairs.synphys.fit_distance("exponential")
    assert fit.model == "exponential"
    with pytest.raises(ArgumentError, match="fit_probability"):
        sf.fit_distance([1e-4], [True])  # type: ignore[arg-type]


def test_given_values_are_kept() -> None:
    data = simulated("gaussian", 0.2, 100e-6, 500, seed=2)
    fit = sf.fit_probability(*data, fixed_size=80e-6)
    assert fit.size == pytest.approx(80e-6)
    assert np.isnan(fit.size_interval).all()
    assert fit.aic == pytest.approx(2 - 2 * fit.log_likelihood)
    free = sf.fit_probability(*data)
    assert free.log_likelihood >= fit.log_likelihood
    other = sf.fit_probability(*data, fixed_max=0.3)
    assert other.pmax == pytest.approx(0.3)
    assert np.isnan(other.pmax_interval).all()


def test_frames_are_fitted_over_their_probed_pairs(db: sf.SynphysDatabase) -> None:
    fit = db.pairs(species="mouse").synphys.fit_distance(distance="lateral_distance")
    assert fit.status == "fitted"
    counts = sf.connectivity(db.pairs(species="mouse"), {"all": sf.CellClass()})
    assert 0 < fit.n_probed <= counts["n_probed"].item()


def test_arrays_of_one_length() -> None:
    with pytest.raises(ArgumentError, match="of one length"):
        sf.fit_probability([1e-4, 2e-4], [True])


def covered(model: str, runs: int, seed: int) -> tuple[float, float]:
    """Share of simulated releases whose intervals hold the true values."""
    pmax, size = 0.25, 100e-6
    hits = np.zeros(2)
    for run in range(runs):
        fit = sf.fit_probability(*simulated(model, pmax, size, 600, seed + run), model)
        hits += [
            fit.pmax_interval[0] <= pmax <= fit.pmax_interval[1],
            fit.size_interval[0] <= size <= fit.size_interval[1],
        ]
    return hits[0] / runs, hits[1] / runs


def test_intervals_cover_the_truth_in_a_few_runs() -> None:
    # With 60 runs, 95 % coverage gives fewer than 50 hits once in a thousand tests.
    assert min(covered("gaussian", 60, seed=1000)) >= 50 / 60


@pytest.mark.slow
@pytest.mark.parametrize("model", ["gaussian", "exponential"])
def test_intervals_cover_the_truth(model: str) -> None:
    # With 1,500 runs, the standard error is 0.6 %.
    for share in covered(model, 1500, seed=5000):
        assert 0.93 <= share <= 0.97


def test_clopper_pearson_covers_at_least_what_it_says() -> None:
    random = np.random.default_rng(0)
    for chance in (0.02, 0.1, 0.4):
        hits = random.binomial(60, chance, 20_000)
        lower, upper = connection_interval(hits, np.full(hits.shape, 60))
        assert ((lower <= chance) & (chance <= upper)).mean() >= 0.95


@dataclass(frozen=True)
class Power(sf.DistanceModel):
    exponent: float = 2.0

    name = "power"
    formula = "pmax / (1 + x / size)^exponent"
    size_meaning = "distance at which the base has doubled"
    size_bounds = (50e-6, 400e-6)

    def probability(self, distance: Any, pmax: Any, size: Any) -> Any:
        return pmax / (1 + distance / size) ** self.exponent


def test_a_model_of_ones_own_is_fitted_and_predicts() -> None:
    model = Power(exponent=3.0)
    random = np.random.default_rng(6)
    distance = random.random(4000) * 300e-6
    connected = random.random(4000) < 0.4 / (1 + distance / 200e-6) ** 3
    fit = sf.fit_probability(distance, connected, model)
    assert (fit.model, fit.status, fit.own_model) == ("power", "fitted", model)
    assert fit.size_interval[0] < 200e-6 < fit.size_interval[1]
    assert fit.pmax_interval[0] < 0.4 < fit.pmax_interval[1]
    found = fit.predict([0.0, 1e-4, np.nan, np.inf])
    expected = [fit.pmax, fit.pmax / (1 + 1e-4 / fit.size) ** 3, np.nan, 0]
    np.testing.assert_allclose(found, expected)
    again = pickle.loads(pickle.dumps(fit))
    assert again == fit
    assert again.predict(1e-4) == fit.predict(1e-4)
    other = sf.fit_probability(distance, connected, Power(exponent=1.0))
    assert other.own_model != model
    assert other.log_likelihood < fit.log_likelihood


def test_the_bounds_and_the_floor_of_ones_own_model_count() -> None:
    far = [400e-6] * 30 + [450e-6] * 30, [True, False, False] * 20
    fit = sf.fit_probability(*far, Power())
    assert fit.status == "at a bound"
    assert fit.size == pytest.approx(400e-6, rel=1e-3)
    with pytest.raises(ArgumentError, match=r"fixed_size takes .* at most 0.004"):
        sf.fit_probability(*far, Power(), fixed_size=0.005)

    class Floored(Power):
        floor = 0.1

    floored = sf.fit_probability(*far, Floored(exponent=9.0), fixed_max=0.5)
    assert floored.predict(9e-3) == 0.1
    expected = 20 * np.log(0.1) + 40 * np.log(0.9)
    least = sf.fit_probability(*far, Floored(exponent=90.0), fixed_max=0.5)
    assert least.log_likelihood == pytest.approx(expected)


def test_frames_and_pictures_take_ones_own_model(db: sf.SynphysDatabase) -> None:
    pairs = db.pairs(species="mouse")
    fit = pairs.synphys.fit_distance(model=Power())
    assert fit == sf.fit_distance(pairs, Power())
    assert fit.own_model == Power()
    [curve] = [
        line
        for line in pairs.synphys.plot.distance(model=Power()).lines
        if len(line.get_xdata()) == 200
    ]
    np.testing.assert_allclose(curve.get_ydata(), fit.predict(curve.get_xdata() * 1e-6))


@pytest.mark.parametrize("model", MODELS)
def test_built_in_models_by_name_and_as_objects_give_one_fit(model: str) -> None:
    data = simulated(model, 0.3, 100e-6, 300, seed=8)
    by_name = sf.fit_probability(*data, model)
    assert sf.fit_probability(*data, DISTANCE_MODELS[model]) == by_name
    assert pickle.loads(pickle.dumps(by_name)) == by_name
    assert by_name.own_model is None
    assert f"model={model!r}" in repr(by_name)
    assert "own_model" not in repr(by_name)


@pytest.mark.parametrize("part", ["name", "formula", "size_meaning", "probability"])
def test_a_model_that_lacks_a_part_is_none(part: str) -> None:
    parts = {name: getattr(Power, name) for name in ("name", "formula", "size_meaning")}
    parts["probability"] = Power.probability
    del parts[part]
    lacking = type("Lacking", (sf.DistanceModel,), parts)
    with pytest.raises(TypeError, match=f"abstract .*{part}"):
        lacking()


def changed(**parts: Any) -> Any:
    """A model with other parts than Power has."""
    return type("Changed", (Power,), {"name": "changed"} | parts)()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("gausian", "Did you mean 'gaussian'"),
        (None, f"model takes {', '.join(map(repr, MODELS))} or a DistanceModel"),
        (Power, r"Give an object: Power\("),
        (changed(probability=lambda self, x, pmax, size: 2 * pmax + x * size), "0 to 1; it gave"),
        (changed(probability=lambda self, x, pmax, size: pmax * np.nan * x * size), "gave nan"),
        (changed(probability=lambda self, x, pmax, size: pmax - x * size - 1), "gave -"),
        (changed(probability=lambda self, x, pmax, size: 0.5), "'changed' must give floats of"),
        (changed(probability=lambda self, x, pmax, size: "p"), r"it gave <U1 of shape \(\)"),
        (changed(size_bounds=(1e-3, 1e-5)), "bounds of model 'changed'"),
        (changed(pmax_bounds=(0.0, 1.0)), "bounds of model 'changed'"),
        (changed(floor=1.0), "floor of model 'changed'"),
    ],
)  # fmt: skip
def test_what_is_no_model_is_refused_by_name(model: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        sf.fit_probability(*simulated("gaussian", 0.3, 100e-6, 100, seed=9), model)


@pytest.mark.parametrize("documented", [sf.fit_probability, sf.fit_distance, sf.DistanceFit])
def test_the_documentation_lists_every_model(documented: Any) -> None:
    text = " ".join(documented.__doc__.split())
    for model in DISTANCE_MODELS.values():
        assert f"- {model.name}: {model.formula}" in text
        assert model.size_meaning in text
    assert "not below 0.005" in text
    assert "is searched from 10 µm to 1,000 µm, pmax from 0.001 to 1" in text
    assert "{models}" not in text
