"""Codecs of dates, times and durations; imported when a field has such a type. Pure."""

from __future__ import annotations

import datetime

from odbctl.engine.odb.codec import Codec, Mismatch, scalar


def _encode_datetime(value: object) -> str:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise Mismatch("datetime", value)


def _encode_date(value: object) -> str:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    raise Mismatch("date", value)


_MICROSECOND = datetime.timedelta(microseconds=1)


def _encode_time(value: object) -> str:
    if isinstance(value, datetime.time):
        return value.isoformat()
    raise Mismatch("time", value)


def _encode_timedelta(value: object) -> int:
    if isinstance(value, datetime.timedelta):
        return value // _MICROSECOND
    raise Mismatch("timedelta", value)


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
    datetime.timedelta: scalar(
        "timedelta",
        "INTEGER",
        "int",
        (datetime.timedelta,),
        encode=_encode_timedelta,
        decode=_decode_timedelta,
    ),
}
