"""Values as msgpack, with their types: the serializer that is taken if none is named.

The bytes are msgpack (https://github.com/msgpack/msgpack) that any reader of it can walk. What
msgpack has no type for is an ext value with one of these codes, or an array that begins with a
mark, an ext value of code 1 whose one byte says what the array is. They are a wire format: a number
never changes its meaning. Integers in them are big-endian, text is UTF-8.

    code  what        bytes
    1     mark        see below
    2     int         beyond 64 bits: two's complement
    3     complex     two float64
    4     bytearray   as they are
    5     Decimal     its text
    6     date        u16 year, u8 month, u8 day
    7     time        u8 hour, minute, second, u32 microsecond (its top bit: fold), zone
    8     datetime    date, time
    9     timedelta   i32 days, u32 seconds, u32 microseconds
    10    zone        "U" UTC; "O" i64 microseconds of offset; "N" the same, name; "Z" key of the
                      IANA zone. As the end of a time: nothing if it is naive
    11    UUID        16 bytes
    12    path        "p" PurePosixPath, "P" PosixPath, "w" PureWindowsPath, "W" WindowsPath; text
    13    IP address  "a" or "A" address, "n" or "N" network, "i" or "I" interface, the capital for
                      version 6; text

    mark  what        the rest of the array
    1     tuple       its items
    2     set         its items
    3     frozenset   its items
    4     range       start, stop, step
    5     Fraction    numerator, denominator
    6     deque       maxlen or nil, its items
    7     OrderedDict map
    8     defaultdict name of the factory or nil, map
    9     Counter     map
    10    registered  tag, state: the name of an enum's member or the number of a flag, an array of
                      a namedtuple's items, or what `__getstate__()` gave

-1 is msgpack's own timestamp and comes back as `msgpack.Timestamp`. Lone surrogates in text are
three bytes each, as `surrogatepass` has them.
"""

from cachekit_msgpack.serializer import MsgpackSerializer

__all__ = ["MsgpackSerializer"]
