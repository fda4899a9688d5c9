import type { StringFormat } from '../../json-schema/formats.ts'
import type { Dfa } from '../../json-schema/regex/dfa.ts'

/** What a JSON Schema asks for, as far as a grammar can force it. */
export type Shape =
  | { readonly kind: 'any' }
  /** `isClosed`: the schema forbids other properties; the grammar writes none in any case. */
  | { readonly kind: 'object'; readonly properties: readonly Property[]; readonly isClosed: boolean }
  /** An object with any keys. */
  | { readonly kind: 'map'; readonly values: Shape }
  | { readonly kind: 'array'; readonly items: Shape; readonly min: number; readonly max: number | undefined }
  /** Code points. */
  | {
      readonly kind: 'string'
      readonly min: number
      readonly max: number | undefined
      readonly format?: StringFormat
      /** Of a pattern, and of the lengths with it. */
      readonly automaton?: Dfa
    }
  /** Both bounds or neither: without them up to 15 digits. */
  | { readonly kind: 'integer'; readonly range?: Range }
  /** The bounds are whole. */
  | { readonly kind: 'number'; readonly range?: Range }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'null' }
  /** One of these JSON texts. */
  | { readonly kind: 'literals'; readonly texts: readonly string[] }
  /** `isExclusive`: no answer may be of two. */
  | { readonly kind: 'union'; readonly of: readonly Shape[]; readonly isExclusive?: true }
  /** A shape of {@link ParsedSchema.definitions}. */
  | { readonly kind: 'ref'; readonly pointer: string }

/** One property of an object, in the order in which the answer has them. */
export interface Property {
  readonly name: string
  readonly shape: Shape
  readonly isRequired: boolean
}

/** Inclusive, within the safe integers. */
export interface Range {
  readonly low: number
  readonly high: number
}

/** A schema and what its references name. */
export interface ParsedSchema {
  readonly root: Shape
  readonly definitions: ReadonlyMap<string, Shape>
}
