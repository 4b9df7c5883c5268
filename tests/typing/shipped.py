"""The plug-ins that ship are what their interfaces ask for."""

from cachekit import Serializer
from cachekit.serializer import BoundSerializer
from cachekit.signing import Signing
from cachekit.step import Step
from cachekit_aesgcm import AesGcmEncryption
from cachekit_msgpack import MsgpackSerializer
from cachekit_orjson import OrjsonSerializer
from cachekit_pickle import PickleSerializer
from cachekit_pydantic import PydanticSerializer
from cachekit_zstd import ZstdCompression

KEYS = [bytes(32)]

serializers: list[Serializer] = [
    MsgpackSerializer(),
    OrjsonSerializer(),
    PickleSerializer(KEYS),
    PydanticSerializer(),
]
bound: BoundSerializer = PickleSerializer(KEYS)
placed: Serializer = bound.bind(b"")
steps: list[Step] = [
    Signing(KEYS),
    Signing(KEYS, "hmac-sha256"),
    ZstdCompression(),
    AesGcmEncryption(KEYS),
]
Signing(KEYS, "md5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
