"""What saved models and sets record of an extractor, read as this version understands it."""

from collections.abc import Mapping
from typing import Any

from hybrid.extractors.backbones.options import PENULTIMATE
from hybrid.extractors.images.decoding import EARLIER_POLICIES
from hybrid.extractors.store.identity import Identity, fingerprint

FORMER_NAMES = {"seed": "random_state"}


def accepted_fingerprints(identity: Identity) -> list[str]:
    """Return the fingerprint of an identity, and those that it had under earlier decode policies.

    Models and sets of earlier versions are recorded with these. Images of 8 bits are decoded as they were then.
    """
    policies = (identity.fields["decode_policy"], *EARLIER_POLICIES)
    return [fingerprint({**identity.fields, "decode_policy": policy}) for policy in policies]


def current_names(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return an extractor's recorded parameters with their current names. Version 0.1.0 wrote ``seed``."""
    return {FORMER_NAMES.get(name, name): value for name, value in params.items()}


def recorded_parameters(params: Mapping[str, Any], identity: Identity) -> dict[str, Any]:
    """Return an extractor's recorded parameters with their current names and the layers at which it was cut.

    The layer that ``"penultimate"`` stood for is in the identity: other versions of hybrid may choose another one.
    """
    current = current_names(params)
    given, layers = current.get("layers"), identity.fields.get("layers")
    is_default = PENULTIMATE in ([given] if isinstance(given, str) else given or [])
    return current | {"layers": list(layers)} if is_default and layers else current
