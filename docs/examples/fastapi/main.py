"""Receives the callbacks of APIXO and daglo with FastAPI.

    pip install -r requirements.txt
    uvicorn main:app --port 3000

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

from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, Response

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
log = logging.getLogger("orders")
app = FastAPI()


def database():
    return sqlite3.connect(os.environ.get("ORDERS_DB", "orders.db"), timeout=10, isolation_level=None)


def execute(sql, *values):
    """Runs one statement, which is its own transaction, in a connection of its own."""
    db = database()
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
    execute("UPDATE orders SET result = ? WHERE id = ?", result, task)
    log.info("done task=%r result=%r", task, result)


def take(request, background, task, body, result):
    """Answers 200 at once, and has the work done afterwards unless it was begun before."""
    caller = f"task={task!r} from={request.client.host} agent={request.headers.get('user-agent')!r}"
    if claim(task):
        log.info("received %s payload=%r", caller, body)
        background.add_task(work, task, result)
    else:
        log.info("duplicate %s", caller)
    return Response(status_code=200, background=background)


async def read(request):
    body = await request.body()
    try:
        payload = json.loads(body)
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        raise HTTPException(400, "the body is not a JSON object")
    return body, payload


@app.post("/webhook/apixo")
async def apixo(request: Request, background: BackgroundTasks, token: str = ""):
    if not hmac.compare_digest(token.encode(), os.environ.get("WEBHOOK_TOKEN", token).encode()):
        raise HTTPException(401, "wrong token")
    body, payload = await read(request)
    data = payload.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("taskId"), str) or not data["taskId"]:
        raise HTTPException(400, "data.taskId is missing")
    if data.get("state") == "success":
        try:
            result = json.dumps(json.loads(data["resultJson"])["resultUrls"])  # JSON in a string
        except (KeyError, TypeError, ValueError):
            raise HTTPException(400, "data.resultJson holds no resultUrls") from None
    elif data.get("state") == "failed":
        result = f"failed: {data.get('failCode')} {data.get('failMsg')}"
    else:
        raise HTTPException(400, "data.state is not final")
    return take(request, background, data["taskId"], body, result)


@app.post("/webhook/daglo")
async def daglo(request: Request, background: BackgroundTasks):
    secret = os.environ.get("DAGLO_WEBHOOK_SECRET")
    if secret and not signed(request.headers.get("authorization", ""), secret):
        raise HTTPException(401, "no valid JWT")
    body, payload = await read(request)
    if not isinstance(payload.get("rid"), str) or not payload["rid"]:
        raise HTTPException(400, "rid is missing")
    result = json.dumps({"status": payload.get("status"), "sttResults": payload.get("sttResults")})
    return take(request, background, payload["rid"], body, result)


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
    return Response(f"{row[0]}\n", media_type="text/plain")
