# SPDX-License-Identifier: MIT
"""web.py [SECONDS]: a Flask application on the loopback, and those who ask it, in one process, until that
has used so many seconds of CPU time. Two views: view_hash() is mostly C code called from Python,
view_page() mostly Python. Ends by itself, with "asked N" as its last line."""
import hashlib
import http.client
import json
import logging
import sys
import threading
import time
import zlib

import flask
from werkzeug.serving import make_server

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 10
BYTES = bytes(range(256)) * 2048
PAGE = "<ul>{% for row in rows %}<li>{{ row.name }}: {{ row.value }}</li>{% endfor %}</ul>"

app = flask.Flask(__name__)


@app.route("/hash")
def view_hash():
    digest = hashlib.sha256(BYTES).hexdigest()
    return "%s %d" % (digest, len(zlib.compress(BYTES, 6)))


def build_rows(n):
    return [{"name": "row %d" % i, "value": i * i % 97} for i in range(n)]


@app.route("/page")
def view_page():
    rows = build_rows(300)
    page = flask.render_template_string(PAGE, rows=rows)
    return page + json.dumps(rows, indent=1)


def ask(path, port, end, asked):
    while time.process_time() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", path)
        response = connection.getresponse()
        if response.status != 200 or not response.read():
            sys.exit("web.py: %s: %d" % (path, response.status))
        connection.close()
        asked.append(path)


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, name="server", daemon=True).start()
    print("ready", flush=True)
    asked = []
    end = time.process_time() + SECONDS
    threads = [threading.Thread(target=ask, args=(path, server.server_port, end, asked))
               for path in ("/hash", "/page", "/page")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.shutdown()
    print("asked %d" % len(asked))


main()
