"""Which partition is a contact's home: Kafka's default partitioner, so that any producer agrees with ours.

Source: `org.apache.kafka.common.utils.Utils.murmur2` and `toPositive`, as used by the Java producer.
"""

from functools import lru_cache
from struct import unpack_from

_M = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32-bit murmur2 hash of `data`, unsigned, with Kafka's seed."""
    words, rest = divmod(len(data), 4)
    h = _SEED ^ len(data)
    for word in unpack_from(f"<{words}I", data):
        k = word * _M & _MASK
        h = (h * _M & _MASK) ^ ((k ^ (k >> 24)) * _M & _MASK)
    if rest:
        h = (h ^ int.from_bytes(data[-rest:], "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return h ^ (h >> 15)


@lru_cache(maxsize=65_536)
def home_partition(contact_id: str, partitions: int) -> int:
    """The partition, of so many, where all of a contact's records belong."""
    return (murmur2(contact_id.encode()) & 0x7FFFFFFF) % partitions
