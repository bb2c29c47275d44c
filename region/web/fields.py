"""The types that the API's parameters and bodies are made of: bounded, and nothing that no database takes."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from messaging.times import read_rfc_3339, rfc_3339
from region.web.examples import A_BATCH, A_COMMAND, A_KEY, A_MOMENT, A_STATION, A_TOKEN

_ID = r"^[!-~]+$"  # what can be seen and is ASCII: more would be nobody's

Number = Annotated[int, Field(ge=1, le=2**31 - 1, examples=[1])]  # of a clinic, a site, a row
StationId = Annotated[str, Field(max_length=40, pattern=_ID, examples=[A_STATION])]
CommandId = Annotated[str, Field(max_length=40, pattern=_ID, examples=[A_COMMAND])]
BatchId = Annotated[str, Field(max_length=40, pattern=_ID, examples=[A_BATCH])]  # of commands given together
Key = Annotated[str, Field(max_length=64, pattern=_ID, examples=[A_KEY])]  # SHA-256 of a public key, hexadecimal
TokenId = Annotated[str, Field(max_length=16, pattern=_ID, examples=[A_TOKEN])]
Condition = Annotated[str, Field(max_length=160, examples=["state=offline"])]  # region/registry/filters.py
_MOMENT = {"type": "string", "format": "date-time", "maxLength": 40, "examples": [rfc_3339(A_MOMENT)]}
Moment = Annotated[float, PlainValidator(read_rfc_3339), WithJsonSchema(_MOMENT)]  # RFC 3339; Unix seconds to us


class Body(BaseModel):
    """What a request may say: these fields, of these types, and nothing else; no NaN, no infinity."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
