/** GGUF value types. */
const [UINT32, STRING] = [4, 8]

/**
 * A GGUF file with more metadata, which stands before its own. What is added is padded by one more entry to the
 * alignment, so that the tensors behind it need not move.
 */
export function withMetadata(
  file: Uint8Array,
  entries: Readonly<Record<string, string | number>>,
): Uint8Array {
  const added = Object.entries(entries).map(([key, value]) => entry(key, value))
  const length = added.reduce((sum, bytes) => sum + bytes.length, 0)
  added.push(entry('test.padding', ' '.repeat(32 - ((length + entry('test.padding', '').length) % 32))))
  const header = Buffer.from(file.subarray(0, 24))
  header.writeBigUInt64LE(header.readBigUInt64LE(16) + BigInt(added.length), 16)
  return Buffer.concat([header, ...added, file.subarray(24)])
}

function entry(key: string, value: string | number): Buffer {
  const type = Buffer.alloc(4)
  type.writeUInt32LE(typeof value === 'string' ? STRING : UINT32)
  if (typeof value === 'string') return Buffer.concat([text(key), type, text(value)])
  const number = Buffer.alloc(4)
  number.writeUInt32LE(value)
  return Buffer.concat([text(key), type, number])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(bytes.length))
  return Buffer.concat([length, bytes])
}
