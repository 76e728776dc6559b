"""Which partition is a contact's home: Kafka's default partitioner, so that any producer agrees with ours.

Source: `org.apache.kafka.common.utils.Utils.murmur2` and `toPositive`, as used by the Java producer.
"""

from functools import lru_cache

_M = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32-bit murmur2 hash of `data`, unsigned, with Kafka's seed."""
    length = len(data)
    h = _SEED ^ length
    full = length & ~3
    for i in range(0, full, 4):
        k = int.from_bytes(data[i : i + 4], "little") * _M & _MASK
        k = (k ^ (k >> 24)) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    tail = data[full:]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return h ^ (h >> 15)


@lru_cache(maxsize=65_536)
def home_partition(contact_id: str, partitions: int) -> int:
    """The partition, of so many, where all of a contact's records belong."""
    return (murmur2(contact_id.encode()) & 0x7FFFFFFF) % partitions
