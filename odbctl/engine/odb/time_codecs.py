"""Codecs of dates, times and durations; imported when a field has such a type. Pure."""

from __future__ import annotations

import datetime

from odbctl.engine.odb.codec import LARGEST_INT, SMALLEST_INT, Codec, Mismatch, scalar


def _encode_datetime(value: object) -> str:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise Mismatch("datetime", value)


def _encode_instant(value: object) -> str:
    """Write equal instants alike: in UTC."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        try:
            value = value.astimezone(datetime.UTC)
        except OverflowError:
            raise ValueError(f"{value} is out of range in UTC") from None
    return _encode_datetime(value)


def _encode_date(value: object) -> str:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    raise Mismatch("date", value)


_MICROSECOND = datetime.timedelta(microseconds=1)


def _encode_time(value: object) -> str:
    if isinstance(value, datetime.time):
        return value.isoformat()
    raise Mismatch("time", value)


def _encode_time_of_day(value: object) -> str:
    """Write equal times alike: in UTC, if that is a time of the same day."""
    if isinstance(value, datetime.time) and (offset := value.utcoffset()) is not None:
        moment = datetime.datetime.combine(datetime.date(2000, 1, 1), value, datetime.UTC) - offset
        if moment.day == 1 and moment.year == 2000:
            value = moment.timetz()
    return _encode_time(value)


def _encode_timedelta(value: object) -> int:
    if isinstance(value, datetime.timedelta):
        return value // _MICROSECOND
    raise Mismatch("timedelta", value)


def _encode_timedelta_column(value: object) -> int:
    microseconds = _encode_timedelta(value)
    if SMALLEST_INT <= microseconds <= LARGEST_INT:
        return microseconds
    raise ValueError(f"{value} has more than 64 bits of microseconds")


def _decode_timedelta(stored: int) -> datetime.timedelta:
    return datetime.timedelta(microseconds=stored)


TIMES: dict[object, Codec] = {
    datetime.datetime: scalar(
        "datetime",
        "TEXT",
        "str",
        (datetime.datetime,),
        encode=_encode_datetime,
        decode=datetime.datetime.fromisoformat,
    ),
    datetime.date: scalar(
        "date",
        "TEXT",
        "str",
        (datetime.date,),
        encode=_encode_date,
        decode=datetime.date.fromisoformat,
    ),
    datetime.time: scalar(
        "time",
        "TEXT",
        "str",
        (datetime.time,),
        encode=_encode_time,
        decode=datetime.time.fromisoformat,
    ),
    datetime.timedelta: Codec(
        text="timedelta",
        column="INTEGER",
        kind="int",
        python_types=(datetime.timedelta,),
        to_json=_encode_timedelta,
        from_json=_decode_timedelta,
        to_column=_encode_timedelta_column,
        from_column=_decode_timedelta,
    ),
}

# The same types where equal values must be stored alike, because they are looked up.
TIME_KEYS: dict[object, Codec] = {
    **TIMES,
    datetime.datetime: scalar(
        "datetime",
        "TEXT",
        "str",
        (datetime.datetime,),
        encode=_encode_instant,
        decode=datetime.datetime.fromisoformat,
    ),
    datetime.time: scalar(
        "time",
        "TEXT",
        "str",
        (datetime.time,),
        encode=_encode_time_of_day,
        decode=datetime.time.fromisoformat,
    ),
}
TIMES[datetime.datetime].has_equal_forms = TIMES[datetime.time].has_equal_forms = True

# Texts of UTC, and of dates, compare as what they say; a time of day may have a zone.
for _ordered in (datetime.datetime, datetime.date, datetime.timedelta):
    TIME_KEYS[_ordered].is_ordered = True
