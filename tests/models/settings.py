"""Settings of a small model that several rooms' tests train or load."""

CONSISTENCY = {
    "pretrain_share": 0.5,
    "sigma_min": 0.002,
    "sigma_max": 80.0,
    "sigma_data": 0.5,
    "rho": 7.0,
    "p_mean": -1.1,
    "p_std": 2.0,
    "s0": 10,
    "s1": None,
    "mid_sigma": 0.8,
}
