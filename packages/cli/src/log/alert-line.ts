import type { Alert } from '@sotto/client/monitor'
import { printableLine } from '../terminal/index.ts'

/** An alert as people read it, on one line. */
export function alertLine({ code, message, index, expected, found }: Alert): string {
  const where = index === undefined ? '' : ` entry ${index}:`
  const more = [expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join(', ')
  return printableLine(`${code}${where} ${message}${more === '' ? '' : `; ${more}`}`)
}
