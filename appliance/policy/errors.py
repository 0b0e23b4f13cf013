"""What can be wrong with a policy file."""

from appliance.ground.errors import SettingsError


class PolicyError(SettingsError):
    """policy.toml, or a lexicon that it names, cannot be used. The message says the key's path and the reason."""

    def __init__(self, name: str, path: str, reason: str, remedy: str) -> None:
        super().__init__(f"{name}: {path}: {reason}." if path else f"{name}: {reason}.", remedy)
        self.path = path
