"""Counts the words of a text."""

from collections import Counter

from flask import Flask, request

app = Flask(__name__)


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/words")
def words() -> dict[str, int]:
    return dict(Counter(request.get_data(as_text=True).lower().split()))
