import type { PushReader } from '../varint/index.ts'
import { fromByteString } from './byte-string.ts'
import { malformed, tooLarge } from './errors.ts'
import { checkField } from './rules.ts'
import type { BhttpField, BhttpLimits } from './types.ts'

/**
 * Collects the field lines of one section (RFC 9292 Section 3.6) as they arrive. With a known
 * length the section ends after so many bytes, otherwise with a name of length zero.
 */
export class FieldSectionParser {
  readonly #reader: PushReader
  readonly #limits: BhttpLimits
  readonly #isKnownLength: boolean
  #remaining: number
  readonly #fields: BhttpField[] = []
  #nameLength: number | undefined
  #name: string | undefined
  #valueLength: number | undefined

  /** `length` is undefined for an indeterminate-length section; a known one was checked against the limit. */
  constructor(reader: PushReader, limits: BhttpLimits, length: number | undefined) {
    this.#reader = reader
    this.#limits = limits
    this.#isKnownLength = length !== undefined
    this.#remaining = length ?? limits.maxFieldSectionBytes
  }

  /** All the fields, once the section is complete. */
  advance(): readonly BhttpField[] | undefined {
    for (;;) {
      if (this.#isKnownLength && this.#remaining === 0 && this.#isBetweenLines()) return this.#fields
      if (this.#nameLength === undefined) {
        this.#nameLength = this.#varint()
        if (this.#nameLength === undefined) return undefined
        if (this.#nameLength === 0) {
          if (this.#isKnownLength) throw malformed('empty field name')
          this.#nameLength = undefined
          return this.#fields
        }
        this.#reserve(this.#nameLength)
      }
      if (this.#name === undefined) {
        const name = this.#reader.take(this.#nameLength)
        if (name === undefined) return undefined
        this.#name = fromByteString(name)
      }
      if (this.#valueLength === undefined) {
        this.#valueLength = this.#varint()
        if (this.#valueLength === undefined) return undefined
        this.#reserve(this.#valueLength)
      }
      const value = this.#reader.take(this.#valueLength)
      if (value === undefined) return undefined
      this.#push([this.#name, fromByteString(value)])
    }
  }

  #push(field: BhttpField): void {
    checkField(field)
    if (this.#fields.length === this.#limits.maxFields) throw tooLarge('maxFields', this.#limits.maxFields)
    this.#fields.push(field)
    this.#nameLength = undefined
    this.#name = undefined
    this.#valueLength = undefined
  }

  #isBetweenLines(): boolean {
    return this.#nameLength === undefined && this.#reader.isBetweenItems
  }

  #varint(): number | undefined {
    const before = this.#reader.available
    const value = this.#reader.varint()
    this.#reserve(before - this.#reader.available)
    return value
  }

  /** Counts bytes against the section. */
  #reserve(bytes: number): void {
    this.#remaining -= bytes
    if (this.#remaining >= 0) return
    if (this.#isKnownLength) throw malformed('field line crosses the end of its section')
    throw tooLarge('maxFieldSectionBytes', this.#limits.maxFieldSectionBytes)
  }
}
