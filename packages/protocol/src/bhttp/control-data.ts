import type { PushReader } from '../varint/index.ts'
import { fromByteString } from './byte-string.ts'
import { tooLarge } from './errors.ts'
import { checkFinalStatus, checkInformationalStatus, checkRequestControl } from './rules.ts'
import type { BhttpLimits, BhttpRequestHead, BhttpResponseHead } from './types.ts'

type RequestControl = Omit<BhttpRequestHead, 'fields'>
type ResponseControl = Omit<BhttpResponseHead, 'fields'>

/** Collects the control data of a request or of one response (RFC 9292 Sections 3.4 and 3.5). */
export class ControlDataParser {
  readonly #reader: PushReader
  readonly #isRequest: boolean
  readonly #maxLengths: readonly [keyof BhttpLimits, number][]
  readonly #values: string[] = []
  #length: number | undefined

  constructor(reader: PushReader, limits: BhttpLimits, isRequest: boolean) {
    this.#reader = reader
    this.#isRequest = isRequest
    this.#maxLengths = [
      ['maxTokenBytes', limits.maxTokenBytes],
      ['maxTokenBytes', limits.maxTokenBytes],
      ['maxAuthorityBytes', limits.maxAuthorityBytes],
      ['maxPathBytes', limits.maxPathBytes],
    ]
  }

  /** The control data, once it is complete. */
  advance(): RequestControl | ResponseControl | undefined {
    return this.#isRequest ? this.#request() : this.#response()
  }

  #request(): RequestControl | undefined {
    for (const [limit, max] of this.#maxLengths.slice(this.#values.length)) {
      this.#length ??= this.#reader.varint()
      if (this.#length === undefined) return undefined
      if (this.#length > max) throw tooLarge(limit, max)
      const value = this.#reader.take(this.#length)
      if (value === undefined) return undefined
      this.#values.push(fromByteString(value))
      this.#length = undefined
    }
    const [method = '', scheme = '', authority = '', path = ''] = this.#values
    const control = { method, scheme, authority, path }
    checkRequestControl({ ...control, fields: [] })
    return control
  }

  #response(): ResponseControl | undefined {
    const status = this.#reader.varint()
    if (status === undefined) return undefined
    if (status < 200) checkInformationalStatus(status)
    else checkFinalStatus(status)
    return { status }
  }
}
