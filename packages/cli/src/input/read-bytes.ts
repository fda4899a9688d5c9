import { concat } from '@sotto/protocol/bytes'
import { cliError } from '../errors.ts'
import type { Input } from './read-input.ts'

/** The whole input. @throws `CLI_FILE` more than `maxBytes` */
export async function readBytes(input: Input, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of input.stream()) {
    size += part.length
    if (size > maxBytes) throw cliError('CLI_FILE', `${input.label} is larger than ${maxBytes} bytes`)
    parts.push(part)
  }
  return concat(...parts)
}
