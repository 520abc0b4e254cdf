"""The application behind two of the examples: it knows nothing of limits. `PORT=3000 python3 app.py`."""
import http.server
import json
import os
import re

USERS = {"Bearer user123_token": "user123"}
ITEMS = [{"item": "Foo"}, {"item": "Bar"}]


def answer(method, path, fields, body):
    """Status and document."""
    if quote := re.fullmatch(r"/quotes/(\w+)", path):
        return 200, {"symbol": quote[1], "price": "101.25"}
    if method == "POST" and path in ("/login", "/register"):
        return 200, {"message": "Welcome"}
    if path == "/items":
        return 200, ITEMS
    if method == "POST" and path == "/create_item":
        return 200, {"message": "Item created", "data": json.loads(body or b"null")}
    if path == "/user_data":
        user = USERS.get(fields.get("Authorization"))
        return 200, {"message": f"Data for user {user}" if user else "Data for anonymous user"}
    return 404, {"detail": "Not Found"}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, document = answer(self.command, self.path.split("?")[0], self.headers, body)
        except ValueError:
            status, document = 400, {"detail": "Not JSON"}
        text = json.dumps(document, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Handler)
    print(f"listens on 127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
