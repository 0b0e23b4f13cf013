"""What can go wrong while a model is brought, verified or removed.

ModelError
├── HubUnreachable       there is no way to the hub, or it went away in the middle
├── HubRefused           the hub does not give it: unknown, or for known people only
├── ModelDamaged         a file is not what its digest says
├── ModelUnusable        what was brought is no such model, or cannot be prepared
├── NoRoomForModel       the disk is too full
├── LicenceNotAccepted   nobody has accepted its licence
└── ModelInUse           something works with it, or somebody else is bringing it
"""

from appliance.ground.errors import Refused, TandemError


class ModelError(TandemError):
    """A model could not be brought, verified or removed."""

    code = "model"


class HubUnreachable(ModelError):
    """There is no way to the hub, or it went away in the middle. What has come is kept."""

    code = "hub_unreachable"


class HubRefused(ModelError):
    """The hub does not give it: it knows no such model or file, or gives it to known people only."""

    code = "hub_refused"


class ModelDamaged(ModelError):
    """A file is not what its digest says, or has gone."""

    code = "model_damaged"


class ModelUnusable(ModelError):
    """What was brought is not the model, or names places outside its folder, or cannot be made ready for use."""

    code = "model_unusable"


class NoRoomForModel(ModelError):
    """The disk has too little room for it."""

    code = "no_room_for_model"


class LicenceNotAccepted(ModelError, Refused):
    """Nobody has accepted the model's licence on this appliance."""

    code = "licence_not_accepted"


class ModelInUse(ModelError, Refused):
    """Something works with the model, or it is being brought or removed this very moment."""

    code = "model_in_use"
