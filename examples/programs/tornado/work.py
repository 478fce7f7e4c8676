"""The work step of the Tornado program, with OpenCV: put your own here."""

import base64
import pathlib

import cv2


def work(path, use_crop=False, result="rl", responseType="url"):
    """Works on the picture in a file.

    Returns the path of the result's file, which lies beside it; or the answer as a dict.
    """
    picture = cv2.imread(path)
    if use_crop:
        height, width = picture.shape[:2]
        picture = picture[height // 4 : -height // 4, width // 4 : -width // 4]
    if result == "rl":
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    if responseType == "json":
        encoded = cv2.imencode(".jpg", picture)[1].tobytes()
        return {"image": "data:image/jpeg;base64," + base64.b64encode(encoded).decode()}
    written = pathlib.Path(path).with_name("result.jpg")
    cv2.imwrite(str(written), picture)
    return str(written)
