"""The data converter: contracts travel without fields that have their default value, which keeps histories small."""

from typing import Any

from pydantic_core import SchemaSerializer
from pydantic_core.core_schema import any_schema
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter, DefaultPayloadConverter

_SERIALIZER = SchemaSerializer(any_schema())


class _JsonConverter(PydanticJSONPlainPayloadConverter):
    def to_payload(self, value: Any) -> Payload:
        data = _SERIALIZER.to_json(value, exclude_defaults=True)
        return Payload(metadata={"encoding": self.encoding.encode()}, data=data)


class _PayloadConverter(CompositePayloadConverter):
    def __init__(self) -> None:
        json = _JsonConverter()
        super().__init__(
            *(
                json if converter.encoding == json.encoding else converter
                for converter in DefaultPayloadConverter.default_encoding_payload_converters
            )
        )


data_converter = DataConverter(payload_converter_class=_PayloadConverter)
