"""How contracts are written into histories: without what is as by default, which keeps histories small."""

from typing import Any

from pydantic_core import SchemaSerializer
from pydantic_core.core_schema import any_schema
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter, DefaultPayloadConverter

_SERIALIZER = SchemaSerializer(any_schema())


class _Json(PydanticJSONPlainPayloadConverter):
    def to_payload(self, value: Any) -> Payload:
        data = _SERIALIZER.to_json(value, exclude_defaults=True)
        return Payload(metadata={"encoding": self.encoding.encode()}, data=data)


class _Converter(CompositePayloadConverter):
    def __init__(self) -> None:
        json = _Json()
        super().__init__(
            *(
                json if one.encoding == json.encoding else one
                for one in DefaultPayloadConverter.default_encoding_payload_converters
            )
        )


data_converter = DataConverter(payload_converter_class=_Converter)
