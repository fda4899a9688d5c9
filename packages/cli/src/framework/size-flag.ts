import { InvalidArgumentError } from 'commander'
import { formatBytes } from '../terminal/index.ts'
import type { FlagSpec } from './spec.ts'

/** Powers of ten and of two, as people write them; a bare number is bytes. */
const UNITS: Readonly<Record<string, number>> = {
  __proto__: null as never,
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
}

/** The bytes of a flag such as `512MB` within its bounds. @throws commander's `InvalidArgumentError` naming them */
export function parseSizeFlag(name: string, spec: Extract<FlagSpec, { type: 'size' }>, text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim()) ?? []
  const bytes = digits === '' ? Number.NaN : Math.floor(Number(digits) * (UNITS[unit.toLowerCase()] ?? NaN))
  if (bytes >= spec.min && bytes <= spec.max) return bytes
  const bounds = `from ${formatBytes(spec.min)} to ${formatBytes(spec.max)}`
  throw new InvalidArgumentError(`--${name} takes a size such as 512MB or 1GiB, ${bounds}.`)
}
