"""Forms with files: one field changes, the rest stays the bytes that came."""

import email.parser
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.dialects import multipart
from gatewright.errors import ClientError

FILE = b'Content-Disposition: form-data; name="file"; filename="model.wav"\r\nContent-Type: audio/wav\r\n\r\n'


def form(*parts, boundary=b"xYz"):
    """A form's body and content type."""
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"
    return body, b"multipart/form-data; boundary=" + boundary


def field(name, value):
    return b'Content-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value


def test_a_field_is_read_and_replaced_where_it_lies():
    """The file's bytes, which may look like anything, are untouched."""
    audio = b'RIFF\r\n--xY\r\n\r\nname="model"\x00\xff'
    found = multipart.split(*form(FILE + audio, field(b"model", b"ep"), field(b"prompt", b"")))
    assert found.text("model") == "ep"
    assert found.text("language") is None
    assert (
        found.replaced("model", "whisper-1")
        == form(FILE + audio, field(b"model", b"whisper-1"), field(b"prompt", b""))[0]
    )


def test_a_file_named_like_a_field_is_none():
    """A file is not the name of an endpoint."""
    found = multipart.split(*form(FILE.replace(b'"file"', b'"model"') + b"ep"))
    assert found.text("model") is None


@pytest.mark.parametrize("value", [b"", b"  ", b"\xff\xfe"])
def test_a_field_that_is_no_text_is_refused_by_its_name(value):
    """As an empty model would be in JSON."""
    with pytest.raises(ClientError, match="'model' must be"):
        multipart.split(*form(field(b"model", value))).text("model")


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"{}", b"application/json", "must be multipart/form-data"),
        (b"{}", b"multipart/form-data", "with a boundary"),
        (b"{}", b"multipart/form-data; boundary=xYz", "its boundary is not in the body"),
        (b"--xYz\r\n", b"multipart/form-data; boundary=xYz", "does not end"),
        (form(field(b"a", b"1"))[0][:-6], b"multipart/form-data; boundary=xYz", "does not end"),
        (form(b"X: y\r\n\r\nz")[0], b"multipart/form-data; boundary=xYz", "has no name"),
        (form(b"no header")[0], b"multipart/form-data; boundary=xYz", "no header fields"),
        (form(*[field(b"a", b"1")] * 300)[0], b"multipart/form-data; boundary=xYz", "more than 256 parts"),
    ],
)
def test_what_is_no_whole_form_is_refused(body, content_type, said):
    """With what is wrong."""
    with pytest.raises(ClientError, match=said):
        multipart.split(body, content_type)


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(body, boundary):
    """Nothing but our own error escapes."""
    for content_type in (b"multipart/form-data; boundary=" + boundary, b'multipart/form-data;boundary="x"'):
        for given_body in (body, form(body, boundary=boundary or b"x")[0]):
            try:
                found = multipart.split(given_body, content_type)
            except ClientError:
                continue
            assert all(0 <= begin <= end <= len(given_body) for begin, end in found.places.values())


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.from_regex(r"[ -~]{0,20}", fullmatch=True)),
    st.from_regex(r"[A-Za-z0-9']{1,30}", fullmatch=True),
)
def test_fields_are_those_that_another_parser_finds(fields, boundary):
    """Python's own, which reads mail."""
    boundary = boundary.encode() + b"q"
    body, content_type = form(
        *(field(name.encode(), value.encode()) for name, value in fields.items()), boundary=boundary
    )
    if any(b"--" + boundary in value.encode() for value in fields.values()):
        return
    quoted = content_type.replace(b"boundary=", b'boundary="') + b'"'
    mail = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        b"Content-Type: " + quoted + b"\r\n\r\n" + body
    )
    wanted = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in (mail.iter_parts() if mail.is_multipart() else ())
    }
    found = multipart.split(body, quoted)
    assert {name: body[begin:end] for name, (begin, end) in found.places.items()} == wanted
