"""Converts temperatures."""

from fastapi import FastAPI

app = FastAPI(title="Temperatures")


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/celsius/{fahrenheit}")
def celsius(fahrenheit: float) -> dict[str, float]:
    return {"celsius": round((fahrenheit - 32) * 5 / 9, 2)}
