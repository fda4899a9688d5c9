"""The official Python SDK, unchanged, against the local proxy: OPENAI_BASE_URL and a key nobody reads."""

import io
import json
import os
import sys
import wave

from openai import AzureOpenAI, BadRequestError, NotFoundError, OpenAI


def tone(seconds: float = 1.0) -> io.BytesIO:
    """A WAV with a quiet tone: what is said in it does not matter here."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        samples = (int(3000 * ((i // 40) % 2 * 2 - 1)) for i in range(int(16000 * seconds)))
        out.writeframes(b"".join(s.to_bytes(2, "little", signed=True) for s in samples))
    file.seek(0)
    file.name = "tone.wav"
    return file


PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 12}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
    "required": ["city", "days"],
    "additionalProperties": False,
}


def check_trip(text: str) -> None:
    """Whether a JSON text is what PARAMETERS asks for."""
    trip = json.loads(text)
    assert list(trip) == ["city", "days"] and len(trip["city"]) <= 12 and 1 <= trip["days"] <= 7, trip


def check_forms(client: OpenAI, chat: str) -> None:
    """Tools, JSON of a schema, several choices and responses: at temperature 2, where only a grammar helps."""
    ask = {"model": chat, "messages": [{"role": "user", "content": "Where to?"}], "temperature": 2}
    tools = [{"type": "function", "function": {"name": "trip", "parameters": PARAMETERS}}]
    called = client.chat.completions.create(**ask, tools=tools, tool_choice="required", parallel_tool_calls=False)
    assert called.choices[0].finish_reason == "tool_calls", called
    call = called.choices[0].message.tool_calls[0]
    assert call.function.name == "trip", call
    check_trip(call.function.arguments)

    streamed = ""
    for chunk in client.chat.completions.create(**ask, tools=tools, tool_choice="required", parallel_tool_calls=False, stream=True):
        for delta in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
            streamed += delta.function.arguments or ""
    check_trip(streamed)

    told = [*ask["messages"], called.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "booked"}]
    assert client.chat.completions.create(model=chat, messages=told, max_tokens=4).choices, told

    schema = {"type": "json_schema", "json_schema": {"name": "trip", "strict": True, "schema": PARAMETERS}}
    choices = client.chat.completions.create(**ask, response_format=schema, n=3).choices
    assert [choice.index for choice in choices] == [0, 1, 2], choices
    for choice in choices:
        check_trip(choice.message.content)

    form = {"format": {"type": "json_schema", "name": "trip", "schema": PARAMETERS}}
    check_trip(client.responses.create(model=chat, input="Where to?", text=form, temperature=2).output_text)
    with client.responses.stream(model=chat, input="Where to?", text=form, temperature=2) as stream:
        types = [event.type for event in stream]
        check_trip(stream.get_final_response().output_text)
    assert types[0] == "response.created" and types[-1] == "response.completed", types

    completions = client.completions.create(model=chat, prompt=["Once", "The"], echo=True, max_tokens=4, temperature=0)
    assert [choice.text.split(" ")[0] for choice in completions.choices] == ["Once", "The"], completions

    for field, value in {"store": True, "modalities": ["audio"]}.items():
        try:
            client.chat.completions.create(**ask, **{field: value})
        except BadRequestError as error:
            assert error.code == "api_unsupported" and error.param == field, error
        else:
            raise AssertionError(f"{field} was taken")


def main() -> None:
    client = OpenAI()
    models = {model.id: model for model in client.models.list()}
    by_task = {model.task: model.id for model in models.values()}
    chat = by_task["text-generation"]
    speech = by_task["transcription"]

    answer = client.chat.completions.create(model=chat, messages=[{"role": "user", "content": "Who can read my words?"}], max_tokens=24, temperature=0)
    assert answer.choices[0].message.content, answer
    assert answer.usage.total_tokens > 0, answer

    chunks = list(client.chat.completions.create(model=chat, messages=[{"role": "user", "content": "Who can read my words?"}], max_tokens=24, temperature=0, stream=True, stream_options={"include_usage": True}))
    streamed = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert streamed == answer.choices[0].message.content, (streamed, answer)
    assert chunks[-1].usage.total_tokens == answer.usage.total_tokens, chunks[-1]

    check_forms(client, chat)

    transcript = client.audio.transcriptions.create(model=speech, file=tone(), response_format="verbose_json")
    assert abs(transcript.duration - 1.0) < 0.01, transcript

    vector = client.embeddings.create(model=by_task["embedding"], input=["one", "two"])
    assert len(vector.data) == 2 and len(vector.data[0].embedding) > 8, vector

    try:
        client.chat.completions.create(model="gpt-9", messages=[{"role": "user", "content": "hi"}])
    except NotFoundError as error:
        assert error.code == "model_not_found", error
    else:
        raise AssertionError("an unknown model was answered")

    endpoint = os.environ["OPENAI_BASE_URL"].removesuffix("/v1")
    azure = AzureOpenAI(azure_endpoint=endpoint, api_key="unused", api_version="2024-06-01")
    assert azure.chat.completions.create(model=chat, messages=[{"role": "user", "content": "Who can read my words?"}], max_tokens=24, temperature=0).choices[0].message.content == streamed
    assert azure.audio.transcriptions.create(model=speech, file=tone(), response_format="json").text is not None
    print(f"python openai SDK: {len(models)} models, chat, stream, tools, schemas, responses, upload, embeddings, errors and Azure paths work")


if __name__ == "__main__":
    sys.exit(main())
