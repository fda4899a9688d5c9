import { verifierError } from '../errors.ts'
import { TCB_STATUSES, type LevelStatus } from './status.ts'

/**
 * Members of the documents that Intel signs. Members that are not read are allowed: Intel adds some without
 * a new version. Those that are read have exactly their type.
 */
export class DocumentFields {
  private readonly members: Readonly<Record<string, unknown>>
  private readonly path: string

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw malformed(path, 'an object')
    this.members = value as Record<string, unknown>
    this.path = path
  }

  has(name: string): boolean {
    return Object.hasOwn(this.members, name)
  }

  object(name: string): DocumentFields {
    return new DocumentFields(this.members[name], `${this.path}.${name}`)
  }

  objects(name: string, max: number, min = 0): DocumentFields[] {
    return this.list(name, max, min).map(
      (item, index) => new DocumentFields(item, `${this.path}.${name}[${index}]`),
    )
  }

  /** Absent is empty: a level without advisories has no such member. */
  texts(name: string, max: number): string[] {
    if (!this.has(name)) return []
    return this.list(name, max).map((item) => {
      if (typeof item !== 'string' || item.length > 64) throw this.malformed(name, 'a list of names')
      return item
    })
  }

  text(name: string): string {
    const value = this.members[name]
    if (typeof value !== 'string' || value.length > 64) throw this.malformed(name, 'text')
    return value
  }

  integer(name: string, max: number): number {
    const value = this.members[name]
    if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > max)
      throw this.malformed(name, `a whole number up to ${max}`)
    return value as number
  }

  /** Hexadecimal of either case; lower-case comes back. */
  hex(name: string, bytes: number): string {
    const value = this.members[name]
    if (typeof value !== 'string' || value.length !== 2 * bytes || !/^[0-9a-fA-F]*$/.test(value))
      throw this.malformed(name, `${bytes} bytes in hexadecimal`)
    return value.toLowerCase()
  }

  /** `2025-06-19T10:16:03Z` in Unix seconds. */
  time(name: string): number {
    const value = this.members[name]
    const milliseconds = typeof value === 'string' && TIME.test(value) ? Date.parse(value) : Number.NaN
    if (Number.isNaN(milliseconds)) throw this.malformed(name, 'a date and time in UTC')
    return milliseconds / 1000
  }

  status(): LevelStatus {
    const value = this.members['tcbStatus']
    if (!TCB_STATUSES.includes(value as LevelStatus))
      throw this.malformed('tcbStatus', TCB_STATUSES.join(', '))
    return value as LevelStatus
  }

  /** Refuses any other value. */
  exactly(name: string, expected: string | number): void {
    if (this.members[name] !== expected) throw this.malformed(name, `${expected}`)
  }

  private list(name: string, max: number, min = 0): unknown[] {
    const value = this.members[name]
    if (!Array.isArray(value) || value.length < min || value.length > max)
      throw this.malformed(name, `a list of ${min} to ${max}`)
    return value
  }

  private malformed(name: string, expected: string): Error {
    return malformed(`${this.path}.${name}`, expected)
  }
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

function malformed(path: string, expected: string): Error {
  return verifierError('EVIDENCE_MALFORMED', `${path} is malformed`, { expected })
}
