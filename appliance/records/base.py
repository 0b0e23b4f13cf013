"""What every record is made of."""

from typing import Any, dataclass_transform

import msgspec
from msgspec import StructMeta


class _Frozen(StructMeta):
    """Makes frozen and keyword-only the rule, so that no record has to say it and none can forget it."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        return super().__new__(mcs, name, bases, namespace, **{"frozen": True, "kw_only": True, **options})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True, metaclass=_Frozen):
    """A frozen value. Fields may be added with a default, never renamed or given another meaning: peers of two versions talk."""
