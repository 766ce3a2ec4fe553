"""The data converters: contracts travel without fields that have their default value, which keeps histories small."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import SchemaSerializer
from pydantic_core.core_schema import any_schema
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    PayloadConverter,
)

from hydranet.errors import UsageError
from workers.refused_payload import UNSEALED, explain_refused, is_refused

if TYPE_CHECKING:
    from workers.sealing import KeyRing

_FailureKind = Literal["application_failure_info", "canceled_failure_info", "timeout_failure_info"]

_SERIALIZER = SchemaSerializer(any_schema())


class _JsonConverter(PydanticJSONPlainPayloadConverter):
    def to_payload(self, value: Any) -> Payload:
        data = _SERIALIZER.to_json(value, exclude_defaults=True)
        return Payload(metadata={"encoding": self.encoding.encode()}, data=data)


class _Refusal(EncodingPayloadConverter):
    """The converter of what the codec has marked, with the reason or without."""

    @property
    def encoding(self) -> str:
        return UNSEALED.decode()

    def to_payload(self, value: Any) -> None:
        del value

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        del type_hint
        raise UsageError(explain_refused(payload))


@dataclass(frozen=True)
class Unreadable:
    """In place of a value, why its payload could not be read."""

    error: Exception


class _TolerantRefusal(_Refusal):
    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        try:
            return super().from_payload(payload, type_hint)
        except UsageError as error:
            return Unreadable(error)


class _TolerantJsonConverter(_JsonConverter):
    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        try:
            return super().from_payload(payload, type_hint)
        except ValueError as error:
            return Unreadable(error)


class _PayloadConverter(CompositePayloadConverter):
    def __init__(self, json: _JsonConverter | None = None, refusal: _Refusal | None = None) -> None:
        json = json or _JsonConverter()
        super().__init__(
            *(
                json if converter.encoding == json.encoding else converter
                for converter in DefaultPayloadConverter.default_encoding_payload_converters
            ),
            refusal or _Refusal(),
        )


class _TolerantConverter(_PayloadConverter):
    def __init__(self) -> None:
        super().__init__(_TolerantJsonConverter(), _TolerantRefusal())


_DETAILS: Mapping[_FailureKind, str] = {
    "application_failure_info": "details",
    "canceled_failure_info": "details",
    "timeout_failure_info": "last_heartbeat_details",
}


class _FailureConverter(DefaultFailureConverterWithEncodedAttributes):
    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        # Temporal's server writes details itself, unsealed, where it cancels an activity that waits for its next try. A
        # node of another role could too. Nobody reads any, and refusing them would stop the workflow for good.
        for kind, details in _DETAILS.items():
            if failure.HasField(kind):
                getattr(failure, kind).ClearField(details)
        if is_refused(failure.encoded_attributes):
            failure.message = f"It failed, and why is not known. {explain_refused(failure.encoded_attributes)}"
            failure.ClearField("encoded_attributes")
        return super().from_failure(failure, payload_converter)


data_converter = DataConverter(payload_converter_class=_PayloadConverter)
"""The converter without seals, for what stays in this process, such as a replay."""


def build_converter(keys: KeyRing) -> DataConverter:
    """Return the converter of a client or worker, whose payloads and failures are sealed."""
    from workers.sealing import SealingCodec

    return DataConverter(
        payload_converter_class=_PayloadConverter,
        payload_codec=SealingCodec(keys),
        failure_converter_class=_FailureConverter,
    )


def tolerate_unreadable(converter: DataConverter) -> DataConverter:
    """Return the converter that gives an `Unreadable` instead of an error."""
    return dataclasses.replace(converter, payload_converter_class=_TolerantConverter)
