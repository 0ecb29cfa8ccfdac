"""Pretraining with settings by name, also with some that a study's file must not have, such as a learning rate of 0."""

from uscl.pretrain.methods.meta_uscl import Meta
from uscl.pretrain.pairs.pool import Pool
from uscl.pretrain.pairs.pool_parts import Shares


def trained(method, encoder, store, fabric, seed, *, folder=None, identity="", meta=None, shares=(0.1, 0.2), **given):
    """The result of the method with these settings; the others are the published ones."""
    if meta is not None:
        given["meta"] = Meta.model_construct(**meta)
    settings = method.METHOD.settings.model_construct(**given)
    pool = Pool(store, fabric, seed, Shares(*shares))
    return method.pretrain(encoder, pool, fabric, seed, settings, folder=folder, identity=identity)
