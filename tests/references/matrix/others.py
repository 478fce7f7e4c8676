"""Files of unsupported formats, and other data that clients send in place of a picture."""

import base64
import gzip
import io
import zipfile

from PIL import Image

from picture import photo


def by_pillow(format):
    out = io.BytesIO()
    Image.fromarray(photo(32, 32)).save(out, format)
    return out.getvalue()


def zipped(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("photo.png", content)
    return out.getvalue()


def form(content):
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    return head + content + b"\r\n--x--\r\n"


def files():
    png, jpeg = by_pillow("PNG"), by_pillow("JPEG")
    for name, content, word in [
        ("AVIF", by_pillow("AVIF"), "AVIF"), ("TIFF", by_pillow("TIFF"), "TIFF"), ("BMP", by_pillow("BMP"), "BMP"),
        ("ICO", by_pillow("ICO"), "ICO"), ("JPEG 2000", by_pillow("JPEG2000"), "JPEG 2000"), ("PDF", by_pillow("PDF"), "PDF"),
        ("PPM", by_pillow("PPM"), "PNM"), ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        ("JPEG XL", b"\xff\x0a\xfa\x1f\x01\x90", "JPEG XL"), ("JPEG XL in its container", b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        ("SVG", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "SVG"),
        ("a web page", b"<!doctype html><title>404</title>", "HTML"), ("gzip", gzip.compress(png), "gzip"), ("zip", zipped(png), "zip"),
        ("a form", form(png), "--data-binary"), ("a JPEG by curl -d", jpeg.translate(None, b"\0\r\n"), "--data-binary"),
        ("a PNG by curl -d", png.translate(None, b"\0\r\n"), "--data-binary"), ("base64", base64.b64encode(jpeg), "base64"),
        ("a data: URL", b"data:image/png;base64," + base64.b64encode(png), "base64"), ("a text", b"hello", "not a JPEG"), ("nothing", b"\n", "not a JPEG"),
    ]:
        yield dict(name=name, file=content, refused=word)
