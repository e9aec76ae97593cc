"""The pickles of the batches: what is read, what is refused, and that nothing else ever comes out."""

from __future__ import annotations

import os
import pickle
import struct
from collections import Counter, OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_models.datasets import unpickling
from cifar_models.datasets.dataset import DatasetError
from cifar_models.datasets.unpickling import unpickle

pytestmark = pytest.mark.unit

END = b"."
START = b"\x80\x02"


def python2_pickle(value: object) -> bytes:
    """Write what Python 2's cPickle with NumPy 1 writes in protocol 2: the form of the official files."""
    return START + _opcodes(value) + END


def _opcodes(value: object) -> bytes:
    if isinstance(value, dict):
        return b"}(" + b"".join(_opcodes(key) + _opcodes(entry) for key, entry in value.items()) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(_opcodes, value)) + b"e"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(_opcodes, value)) + b"t"
    if isinstance(value, bool) or value is None:
        return {None: b"N", True: b"\x88", False: b"\x89"}[value]
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, bytes):  # Python 2's str
        short = len(value) < 256
        return (b"U" + bytes([len(value)]) if short else b"T" + struct.pack("<I", len(value))) + value
    assert isinstance(value, np.ndarray)
    reconstruct = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + _opcodes((0,)) + b"U\x01b\x87R"
    dtype = b"cnumpy\ndtype\n" + _opcodes((b"u1", 0, 1)) + b"R"
    dtype += _opcodes((3, b"|", None, None, None, -1, -1, 0)) + b"b"
    state = b"(" + _opcodes(1) + _opcodes(value.shape) + dtype + _opcodes(False) + _opcodes(value.tobytes())
    return reconstruct + state + b"tb"


def _array(rows: int = 2) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(5).integers(0, 256, size=(rows, 3072), dtype=np.uint8)


def _refusal(content: bytes) -> str:
    """Return the text of the error, which names the file and what to do."""
    with pytest.raises(DatasetError) as caught:
        unpickle(content, where="some/data_batch_1")
    text = str(caught.value)
    assert text.startswith("some/data_batch_1: found ")
    assert ", expected " in text
    assert text.endswith("the official files are at https://www.cs.toronto.edu/~kriz/cifar.html")
    return text


class _Calling:
    """An object whose pickle calls a function of the writer's choosing."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> Any:
        return self.reduced


def test_a_python_2_pickle_gives_bytes_integers_and_a_uint8_array() -> None:
    array = _array()
    batch = {
        b"data": array,
        b"labels": [0, 9, -1],
        b"filenames": [b"a.png", b"b" * 300],
        b"none": (None, True),
    }
    value = unpickle(python2_pickle(batch), where="a test")
    assert isinstance(value, dict)
    np.testing.assert_array_equal(value.pop(b"data"), array)
    assert value == {key: entry for key, entry in batch.items() if key != b"data"}


def test_the_python_2_pickles_of_these_tests_are_what_pickle_reads_too() -> None:
    value = pickle.loads(python2_pickle({b"data": _array(), b"labels": [1, 2]}), encoding="bytes")
    np.testing.assert_array_equal(value[b"data"], _array())
    assert value[b"labels"] == [1, 2]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_python_3_pickles_of_every_binary_protocol_are_read(protocol: int) -> None:
    value = {
        b"data": _array(),
        b"labels": [1, 200, 70_000, 2**40, -1],
        "text": b"\xff\x00",
        7: ((), [], {}, False),
    }
    read = unpickle(pickle.dumps(value, protocol=protocol), where="a test")
    assert isinstance(read, dict)
    np.testing.assert_array_equal(read.pop(b"data"), value.pop(b"data"))
    assert read == value


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_an_array_in_fortran_order_keeps_its_values(protocol: int) -> None:
    array = np.asfortranarray(_array())
    np.testing.assert_array_equal(unpickle(pickle.dumps(array, protocol=protocol), where="a test"), array)


def test_the_module_names_of_numpy_1_and_2_are_both_read() -> None:
    content = pickle.dumps(_array(), protocol=5)
    new, old = b"\x8c\x13numpy._core.numeric", b"\x8c\x12numpy.core.numeric"
    assert content.count(new) + content.count(old) == 1
    for spelling in (new, old):
        other = content.replace(new, spelling).replace(old, spelling)
        np.testing.assert_array_equal(unpickle(other, where="a test"), _array())
    content = python2_pickle(_array()).replace(b"numpy.core.multiarray", b"numpy._core.multiarray")
    np.testing.assert_array_equal(unpickle(content, where="a test"), _array())


def test_an_array_cannot_be_written_to() -> None:
    for protocol in (2, 5):
        read = unpickle(pickle.dumps(_array(), protocol=protocol), where="a test")
        assert isinstance(read, np.ndarray)
        assert not read.flags.writeable


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (_Calling(os.system, "touch never"), f"{os.name}.system"),
        (_Calling(eval, "1"), "builtins.eval"),
        (_Calling(getattr, 1, "real"), "builtins.getattr"),
        (Counter("a"), "collections.Counter"),
        (OrderedDict(a=1), "collections.OrderedDict"),
        (np.int64(3), "numpy._core.multiarray.scalar"),
        (np.zeros, "numpy.zeros"),
        (np.ma.masked_array([1], mask=[True]), "numpy.ma.core._mareconstruct"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_any_other_class_or_function_is_refused_by_name(value: object, name: str, protocol: int) -> None:
    text = _refusal(pickle.dumps(value, protocol=protocol))
    last = name.rpartition(".")[2]
    assert "a pickle that names" in text
    assert (name if protocol == 4 else last) in text  # protocol 2 writes Python 2's name for the module
    assert "expected plain values and NumPy's uint8 arrays alone" in text


def test_a_refused_function_is_not_called(tmp_path: Any) -> None:
    _refusal(pickle.dumps(_Calling(os.mkdir, str(tmp_path / "made"))))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("array", "code"),
    [
        (np.array([1, None], dtype=object), "O8"),
        (np.zeros(3), "f8"),
        (np.zeros(3, dtype=np.int8), "i1"),
        (np.zeros(3, dtype=bool), "b1"),
        (np.zeros(2, dtype=[("a", "u1"), ("b", object)]), "V9"),
        (np.zeros(2, dtype="datetime64[s]"), "M8"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_an_array_of_another_dtype_is_refused_by_its_code(array: Any, code: str, protocol: int) -> None:
    text = _refusal(pickle.dumps(array, protocol=protocol))
    assert f"found an array of dtype '{code}'" in text
    assert "expected 'u1' (uint8)" in text


def test_a_uint8_dtype_dressed_up_with_fields_is_refused() -> None:
    plain = _opcodes((3, b"|", None, None, None, -1, -1, 0))
    fields = _opcodes((3, b"|", None, (b"a",), {b"a": (b"O", 0)}, 8, 1, 63))
    content = python2_pickle(_array())
    assert plain in content
    assert "found a dtype with fields, expected plain 'u1' (uint8)" in _refusal(content.replace(plain, fields))


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((2, 3071), "shape (2, 3071) in 6144 bytes"),
        ((2**30, 2**30), "shape (1073741824, 1073741824) in 6144 bytes"),
        ((-1, 3072), "a bad shape"),
        ((True, 6144), "a bad shape"),
        ((0, 3072), "a bad shape"),
        ([2, 3072], "a bad shape"),
        (((2,), 3072), "a bad shape"),
        ((2, 3072, 1, 1, 1), "5 axes in 6144 bytes"),
    ],
)
def test_a_shape_that_does_not_fit_the_bytes_is_refused(shape: object, found: str) -> None:
    content = python2_pickle(_array())
    assert content.count(_opcodes((2, 3072))) == 1
    assert found in _refusal(content.replace(_opcodes((2, 3072)), _opcodes(shape)))


def test_an_array_of_another_class_than_ndarray_is_refused() -> None:
    content = python2_pickle(_array()).replace(b"cnumpy\nndarray\n", b"cnumpy\ndtype\n")
    assert "found an array of another class, expected numpy.ndarray" in _refusal(content)


def test_an_array_whose_content_is_no_bytes_is_refused() -> None:
    content = python2_pickle(_array()).replace(_opcodes(_array().tobytes()), _opcodes([1, 2]))
    assert "an array whose content is a list, expected bytes" in _refusal(content)


def test_a_call_of_encode_with_another_codec_is_refused() -> None:
    content = START + b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x06\x00\x00\x00rot-13\x86R."
    assert "_codecs.encode with other arguments, expected text and 'latin1'" in _refusal(content)


def test_the_same_text_encoded_over_and_over_is_refused() -> None:
    text = b"X" + struct.pack("<I", 10_000) + b"a" * 10_000
    call = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"
    content = START + text + b"q\x00](" + call * 100 + b"e."
    assert "the same text encoded over and over" in _refusal(content)


@pytest.mark.parametrize(
    "opcodes",
    [
        b"K\x01r\xff\xff\xff\x7f0",  # a memo index of two billion, then POP
        b"\x8e" + struct.pack("<Q", 2**62),  # two to the 62 bytes
        b"\x96" + struct.pack("<Q", 2**62),  # the same as a bytearray
        b"\x8d" + struct.pack("<Q", 2**63),  # the same as text
        b"\x8b" + struct.pack("<I", 2**31 - 1),  # an integer of two billion bytes
        b"T" + struct.pack("<I", 2**31 - 1),  # a string of two billion bytes
        b"\x95" + struct.pack("<Q", 2**62),  # a frame of two to the 62 bytes
        b"I" + b"9" * 10_000 + b"\n",  # an integer of ten thousand digits
        b"S'text'\n",  # an opcode of protocol 0
        b"K\x01K\x02",  # two values
        b"(K\x01",  # a value above a mark that is never closed
        b"(" * 1000,  # marks that are never closed
        b")" + b"\x85" * 5000 + b"b",  # a state for nothing, of tuples nested five thousand times
        b"K\x01h\x07",  # a memo index never stored
        b"K\x01b",  # a state for nothing
        b"K\x01K\x02R",  # a call of an integer
        b"Pname\n",  # a persistent id
        b"\x82\x01",  # a registered extension
        b"]K\x01K\x02s",  # a key and value for a list
        b"}(K\x01u",  # a key without value
        b"\xff",  # no opcode
        b"",  # nothing
    ],
)
def test_hostile_and_broken_opcodes_are_refused(opcodes: bytes) -> None:
    _refusal(START + opcodes + END)


def test_a_later_protocol_is_refused_by_its_number() -> None:
    assert "found protocol 6, expected 2 to 5" in _refusal(b"\x80\x06K\x05.")


def test_a_huge_memo_index_costs_nothing_and_is_allowed() -> None:
    assert unpickle(START + b"K\x05r\xff\xff\xff\xff.", where="a test") == 5


def test_a_tuple_is_no_dict_key_however_little_it_takes_to_nest_it() -> None:
    doubled = b"h\x00h\x00\x86q\x00"  # t = (t, t): its hash takes two to the 64 steps after as many of these
    content = START + b"}()q\x00" + doubled * 64 + b"tK\x01s."
    assert "a dict key of type tuple, expected bytes, str or int" in _refusal(content)


def test_more_opcodes_than_a_batch_can_need_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpickling, "MAXIMUM_OPCODES", 5)
    assert unpickle(START + b"]Na.", where="a test") == [None]
    assert "more than 5 opcodes, expected at most so many" in _refusal(START + b"](NNNNe.")


def test_an_error_text_never_holds_more_than_a_little_of_the_file() -> None:
    assert len(_refusal(START + b"c" + b"m" * 100_000 + b"\nname\n.")) < 500
    assert len(_refusal(START + b"F" + b"x" * 100_000 + b"\n.")) < 500
    assert len(_refusal(python2_pickle(_array()).replace(_opcodes(b"u1"), _opcodes(b"x" * 100_000)))) < 500


def test_a_pickle_cut_off_anywhere_is_refused() -> None:
    content = python2_pickle({b"data": np.full((1, 4), 7, dtype=np.uint8), b"labels": [1]})
    for length in range(len(content)):
        _refusal(content[:length])


@pytest.mark.property
@settings(deadline=None, max_examples=200)
@given(opcodes=st.lists(st.sampled_from([bytes([code]) for code in range(256)]), max_size=30).map(b"".join))
def test_any_bytes_at_all_are_a_value_or_a_dataset_error(opcodes: bytes) -> None:
    names = b"cnumpy\ndtype\ncnumpy\nndarray\ncnumpy.core.multiarray\n_reconstruct\nq\x00U\x02u1q\x01]q\x02}q\x03"
    for content in (opcodes, START + names + opcodes + END):
        try:
            unpickle(content, where="a test")
        except DatasetError:
            continue
