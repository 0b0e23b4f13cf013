"""What the panel asks about people, keys and sessions."""

from typing import Any, Protocol

from appliance.records.person import Actor, OpenSession, Person


class PeopleDoor(Protocol):
    """Who may sign in, and who is signed in."""

    def people(self, actor: Actor) -> list[Person]: ...

    def add_person(self, actor: Actor, name: str, role: int, password: str, email: str = "") -> Person: ...

    def change_person(self, actor: Actor, person: str, role: int | None = None, active: bool | None = None) -> Person: ...

    def set_profile(
        self, actor: Actor, person: str, email: str | None = None, signature: str | None = None, languages: list[str] | None = None
    ) -> Person: ...

    def set_password(self, actor: Actor, person: str, password: str, old: str = "", keep: str = "") -> None: ...

    def me(self, actor: Actor) -> Person | None: ...

    def names(self) -> dict[str, str]:
        """The name of each person by their id."""
        ...

    def sign_in(self, name: str, password: str, address: str) -> str:
        """The secret of a new session. Raises ``WrongPassword`` or ``TooManyTries``."""
        ...

    def sign_in_with_key(self, key: str) -> str:
        """The secret of a new session; "" for an unknown key."""
        ...

    def sign_in_with_token(self, token: str) -> str:
        """The secret of a new session; "" for an unknown token."""
        ...

    def session_of(self, secret: str, used: bool = True) -> OpenSession | None:
        """The open session of a cookie. ``used``: a person did something, so it lives longer."""
        ...

    def sign_out(self, secret: str) -> None: ...

    def sessions(self, actor: Actor, person: str = "") -> list[OpenSession]: ...

    def end_session(self, actor: Actor, session: str) -> None: ...

    def end_sessions(self, actor: Actor, person: str, keep: str = "") -> int: ...

    def keys(self) -> list[dict[str, Any]]:
        """``key, name, role, by, issued_at, revoked_at`` of each API key."""
        ...

    def issue_key(self, actor: Actor, name: str, role: int) -> dict[str, str]:
        """``key, secret``: the secret is told this once."""
        ...

    def revoke_key(self, actor: Actor, key: str) -> None: ...
