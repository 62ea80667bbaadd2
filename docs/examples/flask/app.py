"""Receives the callbacks of APIXO and daglo with Flask.

    pip install -r requirements.txt
    flask run --port 3000

WEBHOOK_TOKEN, if set, has to stand in the callback URL as ?token=, since APIXO
signs nothing. DAGLO_WEBHOOK_SECRET, if set, has to have signed the JWT in daglo's
Authorization header. ORDERS_DB names the SQLite file (default orders.db).

A task is worked on once, however often its callback comes: its ID is a primary
key, and only the request that adds the row begins the work. A restart between
the answer and the work leaves a row whose result is NULL; poll for those.
"""

import base64
import hashlib
import hmac
import json
import logging
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, abort, request

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
log = logging.getLogger("orders")
app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1 << 20
workers = ThreadPoolExecutor(max_workers=4)


def execute(sql, *values):
    """Runs one statement, which is its own transaction, in a connection of its own."""
    db = sqlite3.connect(os.environ.get("ORDERS_DB", "orders.db"), timeout=10, isolation_level=None)
    try:
        cursor = db.execute(sql, values)
        return cursor.rowcount, cursor.fetchone()
    finally:
        db.close()


execute("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, received REAL, result TEXT)")


def claim(task):
    """Says whether task is new. Of several requests at once only one is told so."""
    added, _ = execute("INSERT OR IGNORE INTO orders VALUES (?, ?, NULL)", task, time.time())
    return added == 1


def work(task, result):
    """Is where the side effect belongs: a row, a mail, a payment."""
    try:
        execute("UPDATE orders SET result = ? WHERE id = ?", result, task)
        log.info("done task=%r result=%r", task, result)
    except Exception:
        log.exception("error task=%r", task)  # the result can still be polled


def take(task, result):
    """Answers 200 at once, and has the work done by a thread unless it was begun before."""
    caller = f"task={task!r} from={request.remote_addr} agent={request.user_agent.string!r}"
    if claim(task):
        log.info("received %s payload=%r", caller, request.get_data())
        workers.submit(work, task, result)
    else:
        log.info("duplicate %s", caller)
    return "", 200


def read():
    payload = request.get_json(force=True)  # 400 if it is not JSON
    if not isinstance(payload, dict):
        abort(400, "the body is not a JSON object")
    return payload


@app.post("/webhook/apixo")
def apixo():
    token = os.environ.get("WEBHOOK_TOKEN")
    if token and not hmac.compare_digest(request.args.get("token", "").encode(), token.encode()):
        abort(401, "wrong token")
    data = read().get("data")
    if not isinstance(data, dict) or not isinstance(data.get("taskId"), str) or not data["taskId"]:
        abort(400, "data.taskId is missing")
    if data.get("state") == "success":
        try:
            result = json.dumps(json.loads(data["resultJson"])["resultUrls"])  # JSON in a string
        except (KeyError, TypeError, ValueError):
            abort(400, "data.resultJson holds no resultUrls")
    elif data.get("state") == "failed":
        result = f"failed: {data.get('failCode')} {data.get('failMsg')}"
    else:
        abort(400, "data.state is not final")
    return take(data["taskId"], result)


@app.post("/webhook/daglo")
def daglo():
    secret = os.environ.get("DAGLO_WEBHOOK_SECRET")
    if secret and not signed(request.headers.get("Authorization", ""), secret):
        abort(401, "no valid JWT")
    payload = read()
    if not isinstance(payload.get("rid"), str) or not payload["rid"]:
        abort(400, "rid is missing")
    return take(payload["rid"], json.dumps({"status": payload.get("status"), "sttResults": payload.get("sttResults")}))


def signed(token, secret):
    """Says whether token is a JWT (HS256) made with secret and not expired."""
    try:
        header, claims, signature = token.removeprefix("Bearer ").split(".")
        mac = hmac.new(secret.encode(), f"{header}.{claims}".encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(base64.urlsafe_b64encode(mac).rstrip(b"="), signature.encode()):
            return False
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims))
        return header["alg"] == "HS256" and claims.get("exp", time.time() + 1) > time.time()
    except (KeyError, TypeError, ValueError):
        return False


@app.get("/orders/count")
def count():
    _, row = execute("SELECT count(*) FROM orders WHERE result IS NOT NULL")
    return f"{row[0]}\n", 200, {"Content-Type": "text/plain"}
