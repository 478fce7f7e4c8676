"""A Django site whose view sends to browsers through the admin listener of a waterway: `django_site.py PORT`.

Port 0 takes a free one. Prints `ready PORT` when it listens. The environment has the listener's address as
ADMIN_URL and its token as ADMIN.
"""

import json
import os
import re
import sys
from urllib.request import Request, urlopen
from wsgiref.simple_server import make_server

from django.conf import settings

settings.configure(
    ADMIN=os.environ["ADMIN"],
    ADMIN_URL=os.environ["ADMIN_URL"],
    ALLOWED_HOSTS=["127.0.0.1"],
    DEBUG=False,
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a test",
)

import django

django.setup()

from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST


# The two functions are those of docs/compose.md and docs/admin.md.
def group(room):
    return "chat." + re.sub(rb"[^A-Za-z0-9-]", lambda byte: b"_%02X" % byte[0][0], room.encode()).decode()


def publish(group, message):
    body = {"group": group, "actions": [{"send": {"json": message}}]}
    request = Request(f"{settings.ADMIN_URL}/v1/actions", json.dumps(body).encode())
    request.add_header("Authorization", f"Bearer {settings.ADMIN}")
    with urlopen(request, timeout=5) as answer:
        return json.load(answer)["sent"]


@csrf_exempt
@require_POST
def announce(request, room):
    sent = publish(group(room), {"from": "django", "text": request.POST["text"]})
    return JsonResponse({"sent": sent})


urlpatterns = [path("announce/<str:room>/", announce)]

server = make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application())
print("ready", server.server_port, flush=True)
server.serve_forever()
