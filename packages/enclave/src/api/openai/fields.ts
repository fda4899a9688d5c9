import { z } from 'zod'
import { unsupported } from './errors.ts'

/** What this server does with a field it knows. The table of docs/api.md is made of these. */
export interface FieldNote {
  /** `works`: it changes the answer. `refused`: by name, unless it says what happens anyway. */
  readonly state: 'works' | 'refused' | 'no effect'
  /** For people. Of a refused field also what the error says. */
  readonly note: string
  /** Values of a refused field that ask for nothing. */
  readonly allowed?: readonly unknown[]
}

const NOTES = z.registry<FieldNote>()

/** A field that changes the answer. */
export function works<Schema extends z.ZodType>(schema: Schema, note = ''): Schema {
  // A copy: two routes may say different things of one schema.
  const own = schema.clone() as Schema
  NOTES.add(own, { state: 'works', note })
  return own
}

/** A field of OpenAI's that this server refuses by name, but for values that ask for nothing; null is always one. */
export function refused(note: string, ...allowed: unknown[]): z.ZodOptional<z.ZodUnknown> {
  const schema = z.unknown().optional()
  NOTES.add(schema, { state: 'refused', note, allowed })
  return schema
}

/** A field of OpenAI's that changes no answer, here or there: labels, hints and the like. */
export function noEffect(note: string): z.ZodOptional<z.ZodUnknown> {
  const schema = z.unknown().optional()
  NOTES.add(schema, { state: 'no effect', note })
  return schema
}

/** The fields of a body in the order of its schema. @throws Error for a field nobody described */
export function fieldNotes(schema: z.ZodObject): ReadonlyMap<string, FieldNote> {
  const entries = Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, field]) => {
    const note = NOTES.get(field)
    if (note === undefined) throw new Error(`field ${name} is not described`)
    return [name, note] as const
  })
  return new Map(entries)
}

/** Refuses the first field that is known and not offered. @throws `API_UNSUPPORTED` */
export function refuseFields(schema: z.ZodObject, body: Readonly<Record<string, unknown>>): void {
  for (const [name, { state, note, allowed = [] }] of fieldNotes(schema)) {
    const value = body[name]
    if (state !== 'refused' || value === undefined || value === null) continue
    // Small: lists are compared only where the allowed value is one.
    if (!allowed.some((one) => isSame(one, value))) throw unsupported(name, `${name}: ${note}`)
  }
}

function isSame(allowed: unknown, value: unknown): boolean {
  if (!Array.isArray(allowed)) return allowed === value
  return (
    Array.isArray(value) &&
    value.length === allowed.length &&
    allowed.every((item, index) => item === value[index])
  )
}
