"""Notes are posted as text, and read as JSON."""

from django.http import HttpRequest, JsonResponse

from notes.models import Note


def health(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def notes(request: HttpRequest) -> JsonResponse:
    if request.method == "POST":
        Note.objects.create(text=request.body.decode())
    return JsonResponse({"notes": list(Note.objects.order_by("id").values_list("text", flat=True))})
