"""Lets the Tornado program's function `work` work on the pictures of a waterway queue."""
import base64, json
import cv2, numpy, waterway
from work import work

# At these factors, OpenCV decodes a JPEG in a fraction of the time.
REDUCED = {1 / 2: cv2.IMREAD_REDUCED_COLOR_2, 1 / 4: cv2.IMREAD_REDUCED_COLOR_4}


def picture(event):
    text = event.text
    header, path = json.loads(text[:150]), event.folder / "picture.jpg"
    if not 0 < (zoom := float(header.get("zoom", 1))) <= 4:
        raise waterway.Error("bad_header", "the zoom must be above 0, and at most 4")
    file = numpy.frombuffer(base64.b64decode(text[150:].replace(" ", "+")), numpy.uint8)
    if (decoded := cv2.imdecode(file, REDUCED.get(zoom, cv2.IMREAD_COLOR))) is None:
        raise waterway.Error("bad_image", "this is not a picture that OpenCV can decode")
    if zoom not in REDUCED:
        decoded = cv2.resize(decoded, None, fx=zoom, fy=zoom)
    cv2.imwrite(str(path), decoded)
    options = {name: header[name] for name in ("use_crop", "responseType") if name in header}
    result = work(str(path), result=header.get("rType", "rl"), **options)
    return {**result, "uuid": header["uuid"]} if isinstance(result, dict) else waterway.answer(file=result)


waterway.run(picture)
