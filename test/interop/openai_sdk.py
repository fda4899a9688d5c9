"""The official Python SDK, unchanged, against the local proxy: OPENAI_BASE_URL and a key nobody reads."""

import io
import os
import sys
import wave

from openai import AzureOpenAI, NotFoundError, OpenAI


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
    print(f"python openai SDK: {len(models)} models, chat, stream, upload, embeddings, errors and Azure paths work")


if __name__ == "__main__":
    sys.exit(main())
