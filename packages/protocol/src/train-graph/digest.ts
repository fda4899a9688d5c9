import { concat, toHex, utf8 } from '../bytes/index.ts'
import { crypto } from '../crypto-backend/index.ts'
import { encodeOnnx, type OnnxModel } from '../onnx/index.ts'

/**
 * One digest for a graph: SHA-256, in lower-case hexadecimal, of the graph without its constants, and of a line with
 * the digest of each constant. So whoever has only the digests of frozen weights computes the same.
 */
export function digestOfGraph(model: OnnxModel): string {
  const bare = encodeOnnx({ ...model, initializers: [] })
  const lines = model.initializers.map(
    ({ name, type, dims, data }) => `${name} ${type} ${dims.join()} ${toHex(crypto.sha256(data))}\n`,
  )
  return toHex(crypto.sha256(concat(crypto.sha256(bare), utf8(lines.join('')))))
}
