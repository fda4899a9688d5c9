import { MODEL_NAME } from '@sotto/protocol/sealed-models'

/** What a model is called where nobody says so: the last part of its id, or of the name of its file. */
export function modelNameOf(id: string): string | undefined {
  const name = id
    .split('/')
    .at(-1)!
    .toLowerCase()
    .replace(/\.(gguf|onnx|sealed)$/, '')
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63)
  return MODEL_NAME.test(name) ? name : undefined
}
