"""Random queries for pairs."""

from __future__ import annotations

from hypothesis import strategies as st

MOUSE, HUMAN = "mouse V1 coarse matrix", "human coarse matrix"

TEXTS = {
    "cre_type": ["pvalb", "sst", "sst,pvalb", "unknown"],
    "target_layer": ["2/3", "5"],
    "cell_class": ["ex", "in", "mixed"],
    "dendrite_type": ["spiny", "aspiny"],
    "cortical_layer": ["4", "5"],
    "t_type": ["Sst Synthetic 1"],
}
criteria = st.dictionaries(st.sampled_from(sorted(TEXTS)), st.none(), max_size=2).flatmap(
    lambda keys: st.fixed_dictionaries(
        {
            key: st.one_of(
                st.sampled_from(TEXTS[key]), st.lists(st.sampled_from(TEXTS[key])).map(tuple)
            )
            for key in keys
        }
    )
)
truth = st.sampled_from([None, True, False])
limit = st.one_of(st.none(), st.sampled_from([0, 40, 55, 70, 10_000]))
filter_sets = st.fixed_dictionaries(
    {"pre": criteria, "post": criteria},
    optional={
        "synapse": truth,
        "synapse_probed": truth,
        "electrical": truth,
        "synapse_type": st.sampled_from(["ex", "in", "mixed"]),
        "acsf": st.sampled_from(["2mM Ca & Mg", ["2mM Ca & Mg", "1.3mM Ca & 1mM Mg"]]),
        "internal": st.sampled_from(["PatchSeq"]),
        "species": st.sampled_from(["mouse", "human"]),
        "project_name": st.sampled_from([MOUSE, [MOUSE, HUMAN]]),
        "age": st.tuples(limit, limit).filter(lambda ages: None in ages or ages[0] <= ages[1]),
        "distance": st.sampled_from([(None, 1e-4), (5e-5, None), (5e-5, 1e-4)]),
    },
)

EXPRESSIONS = [
    "synapse.latency < 1.5e-3",
    "slice.age > 50 AND slice.species = 'mouse'",
    "pre_cell.cre_type IN ('sst', 'pvalb') OR post_cell.cre_type IS NULL",
    "NOT (dynamics.stp_induction_50hz > 0.5)",
    "pair.distance BETWEEN 5e-5 AND 1e-4",
    "pre_morphology.dendrite_type = post_morphology.dendrite_type",
    "coalesce(synapse_model.ml_strength, 0) = 0",
    "resting_state_fit.ic_amp > 1e-3 AND pair.has_synapse",
]
