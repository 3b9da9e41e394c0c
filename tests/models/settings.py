"""Parameters of small methods that tests of several rooms train or load."""

CONSISTENCY = {
    "name": "consistency",
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
    "conditions": [],
    "condition_dropout": 0.0,
}
TERRAIN_GAN = {
    "name": "terrain_gan",
    "generator": {"channels": [8, 8, 4], "hidden": 4, "z": 3},
    "discriminator": {"channels": 4, "layers": 2, "scales": 2, "lr_ratio": 4.0},
    "shadow": 4,
    "flipped_route": True,
    "flatness": 10.0,
    "feature_matching": 10.0,
    "perceptual": {"weight": 1.0, "vgg19": None},
    "balance": {"stop": 0.9, "resume": 0.8, "rest": 2},
}
STYLEGAN2 = {
    "name": "stylegan2",
    "generator": {"z": 8, "w": 8, "width": 256, "most": 8},
    "loss": {"path_every": 2, "penalty_every": 3},
    "augment": {"images": 200, "target": 0.1},
}
DCGAN = {"name": "dcgan", "generator": {"z": 6, "channels": 4, "most": 8}, "discriminator": {"channels": 4, "most": 8}}
