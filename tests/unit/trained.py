"""Pretraining with settings by name, also with some that a study's file must not have, such as a learning rate of 0."""

from uscl.pretrain.methods.meta_uscl import Meta


def trained(method, encoder, store, fabric, seed, *, folder=None, identity="", meta=None, **given):
    """The result of the method with these settings; the others are the published ones."""
    if meta is not None:
        given["meta"] = Meta.model_construct(**meta)
    settings = method.METHOD.settings.model_construct(**given)
    return method.pretrain(encoder, store, fabric, seed, settings, folder=folder, identity=identity)
