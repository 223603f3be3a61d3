"""What callspool replaces, at its best: a Flask route that checks Twilio's signature and commits the event.

WAL and synchronous=FULL, because an answered webhook must survive a power loss; one connection a thread, kept.
"""

import base64
import hashlib
import hmac
import os
import sqlite3
import threading

from flask import Flask, Response, abort, request

app = Flask(__name__)
URL = os.environ['BENCH_URL']
TOKEN = os.environ['BENCH_TOKEN'].encode()
local = threading.local()


def database():
    if not hasattr(local, 'connection'):
        local.connection = sqlite3.connect(os.environ['BENCH_DATABASE'], timeout=60, isolation_level=None)
        local.connection.executescript(
            'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;'
            'CREATE TABLE IF NOT EXISTS events ('
            ' id INTEGER PRIMARY KEY, idempotency TEXT UNIQUE, kind TEXT, call_sid TEXT, recording_sid TEXT,'
            ' status TEXT, raw TEXT, received_at REAL DEFAULT (julianday()))')
    return local.connection


def is_signed(form):
    text = URL + request.path + ''.join(name + form[name] for name in sorted(form))
    expected = base64.b64encode(hmac.new(TOKEN, text.encode(), hashlib.sha1).digest()).decode()
    return hmac.compare_digest(expected, request.headers.get('X-Twilio-Signature', ''))


def take(kind, status):
    raw = request.get_data(as_text=True, cache=True)
    form = request.form
    if not is_signed(form):
        abort(403)
    database().execute(
        'INSERT OR IGNORE INTO events (idempotency, kind, call_sid, recording_sid, status, raw)'
        ' VALUES (?, ?, ?, ?, ?, ?)',
        (request.headers.get('I-Twilio-Idempotency-Token', '') + kind, kind, form.get('CallSid'),
         form.get('RecordingSid'), form.get(status), raw))
    return Response('<?xml version="1.0" encoding="UTF-8"?><Response/>', mimetype='text/xml')


@app.post('/webhook/recording-status')
def recording_status():
    return take('recording', 'RecordingStatus')


@app.post('/webhook/call-status')
def call_status():
    return take('call', 'CallStatus')
